/**
 * Whether a path that a server lists can be the path of a file of its folder. What it names becomes part of an address here, so
 * nothing may lead elsewhere: no dots, no empty parts, no backslash, no control character, no lone surrogate.
 */
export const isLegalPath = (path: string, folder: string): boolean =>
  path.isWellFormed() &&
  path.length <= 1_000 &&
  !/[\\\u0000-\u001f\u007f]/.test(path) &&
  (folder === '' || path.startsWith(`${folder}/`)) &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
