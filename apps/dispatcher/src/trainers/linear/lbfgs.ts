/** A function of many variables and its gradient, written into `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number

const memory = 10

/**
 * Minimises a smooth convex function (L-BFGS, two-loop recursion of Nocedal & Wright, algorithm 7.4, backtracking by Armijo's rule).
 *
 * @returns The best point found, its value and the number of iterations.
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  {
    iterations,
    tolerance,
    onIteration,
  }: { iterations: number; tolerance: number; onIteration(done: number, value: number): void },
): { point: Float64Array; value: number; iterations: number } {
  let point = Float64Array.from(start)
  let gradient = new Float64Array(start.length)
  let value = objective(point, gradient)
  const steps: { s: Float64Array; y: Float64Array; rho: number }[] = []
  let done = 0
  while (done < iterations) {
    let direction = descent(gradient, steps)
    if (dot(direction, gradient) >= 0) {
      steps.length = 0
      direction = gradient.map((each) => -each)
    }
    const next = lineSearch(objective, point, value, gradient, direction, done === 0 ? 1 / Math.max(norm(gradient), 1) : 1)
    if (!next) break
    done++
    const s = next.point.map((each, at) => each - point[at]!)
    const y = next.gradient.map((each, at) => each - gradient[at]!)
    const curvature = dot(s, y)
    if (curvature > 1e-12) steps.push({ s, y, rho: 1 / curvature })
    if (steps.length > memory) steps.shift()
    const fall = (value - next.value) / Math.max(Math.abs(value), 1e-12)
    ;({ point, gradient, value } = next)
    onIteration(done, value)
    if (fall < tolerance) break
  }
  return { point, value, iterations: done }
}

function descent(gradient: Float64Array, steps: { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array<ArrayBuffer> {
  const q = gradient.map((each) => -each)
  const alphas = steps.map(() => 0)
  for (let at = steps.length - 1; at >= 0; at--) {
    const { s, y, rho } = steps[at]!
    alphas[at] = rho * dot(s, q)
    addScaled(q, y, -alphas[at]!)
  }
  const last = steps.at(-1)
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1
  for (let at = 0; at < q.length; at++) q[at]! *= scale
  steps.forEach(({ s, y, rho }, at) => addScaled(q, s, alphas[at]! - rho * dot(y, q)))
  return q as Float64Array<ArrayBuffer>
}

function lineSearch(
  objective: Objective,
  point: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  first: number,
) {
  const slope = dot(direction, gradient)
  for (let step = first, tries = 0; tries < 30; tries++, step /= 2) {
    const tried = Float64Array.from(point, (each, at) => each + step * direction[at]!)
    const newGradient = new Float64Array(point.length)
    const newValue = objective(tried, newGradient)
    if (newValue <= value + 1e-4 * step * slope) return { point: tried, value: newValue, gradient: newGradient }
  }
  return undefined
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!
  return sum
}
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a))
const addScaled = (a: Float64Array, b: Float64Array, by: number): void => {
  for (let at = 0; at < a.length; at++) a[at]! += by * b[at]!
}
