interface Document {
  readonly paths: Readonly<Record<string, unknown>>
}

/** The paths of MLflow's protocol, which MLflow describes. */
const mlflow = /^\/(api|ajax-api)\/|get-artifact$|^\/version$/

/** The OpenAPI document of a running app as it is committed beside the app, `openapi.json`: `docs/api.md` is made of it. */
export async function openApiText(url: string): Promise<string> {
  const { paths, ...rest } = (await (await fetch(`${url}/openapi.json`)).json()) as Document
  const own = Object.fromEntries(Object.entries(paths).filter(([path]) => !mlflow.test(path)))
  return `${JSON.stringify({ ...rest, paths: own }, null, 1)}\n`
}
