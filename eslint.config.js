import nx from '@nx/eslint-plugin'
import prettier from 'eslint-config-prettier'
import tseslint from 'typescript-eslint'

/** What a library or an app may import, by its tags in `project.json`. */
const boundaries = [
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib'] },
  { sourceTag: 'scope:events', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:statistics', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:resources', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:onnx', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:object-store', onlyDependOnLibsWithTags: ['scope:testing'] },
  { sourceTag: 'scope:service', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:messaging', onlyDependOnLibsWithTags: ['scope:events', 'scope:testing'] },
  { sourceTag: 'scope:testing', onlyDependOnLibsWithTags: ['scope:events', 'scope:messaging', 'scope:infra'] },
  {
    sourceTag: 'scope:infra',
    onlyDependOnLibsWithTags: [
      'scope:events',
      'scope:messaging',
      'scope:resources',
      'scope:service',
      'scope:statistics',
      'scope:testing',
    ],
  },
  { sourceTag: 'type:test', onlyDependOnLibsWithTags: ['type:lib', 'type:infra'] },
]

const kafkajsElsewhere = {
  group: ['kafkajs', 'kafkajs/*'],
  message: 'Only libs/messaging talks to Kafka: use its consume, ingest and outbox.',
}

/** Modules that a pure file (a decision, a validation, a type file) may never reach: I/O, time and chance. */
const io = [
  'node:*',
  'fs',
  'pg',
  'typeorm',
  'ioredis',
  'kafkajs',
  '@nestjs/*',
  '@duckdb/*',
  'onnxruntime-node',
  '@cascata/messaging',
  '@cascata/service',
]

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.cascata/**', '.nx/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended, prettier],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          ignoredCircularDependencies: [['infra', 'testing']],
          depConstraints: boundaries,
        },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      'no-restricted-imports': ['error', { patterns: [kafkajsElsewhere] }],
      eqeqeq: 'error',
      'no-console': 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['apps/**/*.ts', 'infra/**/*.ts', 'libs/service/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*-for-test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'fetch', message: 'It refuses ports such as 6566: use createClient or fetchAnyPort of @cascata/service.' },
      ],
    },
  },
  {
    files: ['libs/messaging/**/*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/decide-*.ts', '**/validate-*.ts', 'libs/statistics/src/**/*.ts', 'libs/events/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [kafkajsElsewhere, { group: io, message: 'A pure file gets what it needs as arguments.' }] },
      ],
      'no-restricted-globals': ['error', 'fetch', 'setTimeout', 'setInterval', 'process'],
      'no-restricted-syntax': [
        'error',
        { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Time is an argument.' },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Time is an argument.' },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: 'Chance is an argument.',
        },
      ],
    },
  },
  {
    files: ['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'],
    ignores: ['**/config.ts', '**/main.ts', '**/*.spec.ts', 'libs/testing/**', 'apps/cli/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Configuration is parsed once, in config.ts.' },
      ],
    },
  },
  {
    files: ['infra/**/*.ts', 'apps/cli/**/*.ts', 'apps/*/src/main.ts', 'test/**/*.ts', 'examples/**/*.ts', '**/bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.spec.ts', 'libs/testing/**/*.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-function-type': 'off',
    },
  },
)
