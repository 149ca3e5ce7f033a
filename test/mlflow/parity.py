"""Asks a tracking server everything that its protocol defines, and prints the answers as JSON that two servers can be compared by.

python parity.py http://127.0.0.1:5000 > ours.json; python parity.py http://127.0.0.1:5001 > theirs.json; diff theirs.json ours.json

Only the standard library. Ids, times and names that a server draws are replaced by what they stand for.
"""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid

server = sys.argv[1].rstrip("/")
tag = uuid.uuid4().hex[:8]
known = {tag: "TAG"}
answers = {}

times = {
    "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp",
    "creation_timestamp_ms", "last_updated_timestamp_ms",
}  # fmt: skip
drawn = {"user_id", "sqlstate", "error_class", "next_page_token", "workspace"}


def normal(value, key=""):
    if isinstance(value, dict):
        return {k: normal(v, k) for k, v in sorted(value.items()) if k not in drawn}
    if isinstance(value, list):
        items = [normal(item, key) for item in value]
        if key in ("tags", "params", "metrics", "events", "aliases", "model_outputs", "dataset_inputs"):
            items.sort(key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if key in times:
        return "TIME"
    if isinstance(value, str):
        for found, name in known.items():
            value = value.replace(found, name)
        return value
    return value


def call(method, path, body=None, query=None, headers=None, prefix="/api/2.0/mlflow/"):
    url = server + prefix + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    kind = {} if body is None else {"Content-Type": "application/octet-stream" if isinstance(body, bytes) else "application/json"}
    request = urllib.request.Request(url, data=data, method=method, headers={**kind, **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            status, text = answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode(errors="replace")
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def ask(name, method, path, body=None, query=None, **more):
    status, found = call(method, path, body, query, **more)
    answers[name] = {"status": status, "body": normal(found)}
    return found


def learn(value, name):
    known[str(value)] = name
    return value


def get(label, path, /, **query):
    return ask(label, "GET", path, query=query)


def post(label, path, /, **body):
    return ask(label, "POST", path, body)


now = 1764000000000

# Experiments
experiment = learn(call("POST", "experiments/create", {"name": f"parity-{tag}", "tags": [{"key": "team", "value": "ops"}]})[1]["experiment_id"], "EXPERIMENT")
known[f"/{experiment}/"] = "/EXPERIMENT/"
known.pop(str(experiment))


def own(value):
    """Experiment ids are short numbers: replaced by field, not in every text."""
    if isinstance(value, dict):
        return {k: ("EXPERIMENT" if k == "experiment_id" and v == experiment else own(v)) for k, v in value.items()}
    if isinstance(value, list):
        return [own(item) for item in value]
    if isinstance(value, str):
        return re.sub(rf"(mlflow-artifacts:/|id=|id |experiment |'){experiment}(?=/|\b)", r"\1EXPERIMENT", value)
    return value


post("experiment twice", "experiments/create", name=f"parity-{tag}")
post("experiment without name", "experiments/create")
post("experiment of an empty name", "experiments/create", name="")
post("experiment of a long name", "experiments/create", name="x" * 501)
get("experiment", "experiments/get", experiment_id=experiment)
get("experiment by name", "experiments/get-by-name", experiment_name=f"parity-{tag}")
get("no experiment by name", "experiments/get-by-name", experiment_name="nowhere")
get("no experiment", "experiments/get", experiment_id="99999999")
get("experiment of no number", "experiments/get", experiment_id="abc")
get("experiment without id", "experiments/get")
post("experiment tag", "experiments/set-experiment-tag", experiment_id=experiment, key="a", value="b")
post("experiment tag too long", "experiments/set-experiment-tag", experiment_id=experiment, key="a", value="x" * 5001)
post("experiment tag deleted", "experiments/delete-experiment-tag", experiment_id=experiment, key="a")
post("experiment tag not there", "experiments/delete-experiment-tag", experiment_id=experiment, key="a")
post("experiments searched", "experiments/search", max_results=10, filter=f"name = 'parity-{tag}'")
post("experiments by tag", "experiments/search", max_results=10, filter=f"tags.team = 'ops' AND name LIKE 'parity-{tag}%'")
post("experiments without size", "experiments/search")
post("experiments of too many", "experiments/search", max_results=50001)
post("experiments by a bad filter", "experiments/search", max_results=10, filter="name > 'a'")
post("experiments by no attribute", "experiments/search", max_results=10, filter="nothing = 'a'")
post("experiments in no order", "experiments/search", max_results=10, order_by=["nothing"])

# Runs
made = post("run", "runs/create", experiment_id=experiment, start_time=now, run_name="first", user_id="me", tags=[{"key": "team", "value": "ops"}])
run = learn(made["run"]["info"]["run_id"], "RUN")
answers["run"]["body"] = normal(made)
second = learn(call("POST", "runs/create", {"experiment_id": experiment, "start_time": now + 1, "run_name": "second"})[1]["run"]["info"]["run_id"], "SECOND")
third = learn(call("POST", "runs/create", {"experiment_id": experiment, "start_time": now + 2, "run_name": "third"})[1]["run"]["info"]["run_id"], "THIRD")
post("run of no experiment", "runs/create", experiment_id="99999999")
post("run of two names", "runs/create", experiment_id=experiment, run_name="a", tags=[{"key": "mlflow.runName", "value": "b"}])
post("param", "runs/log-parameter", run_id=run, key="depth", value="3")
post("param again", "runs/log-parameter", run_id=run, key="depth", value="3")
post("param changed", "runs/log-parameter", run_id=run, key="depth", value="4")
post("param of an illegal name", "runs/log-parameter", run_id=run, key="a;b", value="4")
post("param of a path", "runs/log-parameter", run_id=run, key="../a", value="4")
post("param without key", "runs/log-parameter", run_id=run, value="4")
post("param of no run", "runs/log-parameter", run_id="0" * 32, key="a", value="4")
post("metric", "runs/log-metric", run_id=run, key="auc", value=0.75, timestamp=now, step=0)
post("metric without time", "runs/log-metric", run_id=run, key="auc", value=0.75)
post("metric without value", "runs/log-metric", run_id=run, key="auc", timestamp=now)
post("metric of text", "runs/log-metric", run_id=run, key="auc", value="high", timestamp=now)
post("metric of an illegal name", "runs/log-metric", run_id=run, key="a;b", value=1, timestamp=now)
post("metric of a long name", "runs/log-metric", run_id=run, key="x" * 251, value=1, timestamp=now)
post(
    "batch", "runs/log-batch", run_id=run,
    metrics=[
        {"key": "loss", "value": 0.5, "timestamp": now, "step": 0},
        {"key": "loss", "value": 0.25, "timestamp": now + 1, "step": 1},
        {"key": "loss", "value": 0.25, "timestamp": now + 1, "step": 1},
        {"key": "nothing", "value": "NaN", "timestamp": now, "step": 0},
        {"key": "endless", "value": "Infinity", "timestamp": now, "step": 0},
    ],
    params=[{"key": "rate", "value": "0.1"}], tags=[{"key": "note", "value": "x"}],
)  # fmt: skip
post("batch of nothing", "runs/log-batch", run_id=run)
post("batch that conflicts", "runs/log-batch", run_id=run, metrics=[{"key": "never", "value": 1, "timestamp": now}], params=[{"key": "depth", "value": "5"}, {"key": "new", "value": "1"}])
post("batch of two conflicts", "runs/log-batch", run_id=run, params=[{"key": "depth", "value": "5"}, {"key": "rate", "value": "1"}])
post("batch of one param twice", "runs/log-batch", run_id=run, params=[{"key": "a", "value": "5"}, {"key": "a", "value": "6"}])
post("batch of 1001 metrics", "runs/log-batch", run_id=run, metrics=[{"key": f"m{i}", "value": 1, "timestamp": now} for i in range(1001)])
post("batch of 101 params", "runs/log-batch", run_id=run, params=[{"key": f"p{i}", "value": "1"} for i in range(101)])
post("batch of 101 tags", "runs/log-batch", run_id=run, tags=[{"key": f"t{i}", "value": "1"} for i in range(101)])
post("batch of 1001 in all", "runs/log-batch", run_id=run, metrics=[{"key": f"m{i}", "value": 1, "timestamp": now} for i in range(1000)], params=[{"key": "q", "value": "1"}])
post("batch of a long param", "runs/log-batch", run_id=second, params=[{"key": "long", "value": "x" * 6001}])
post("tag", "runs/set-tag", run_id=run, key="a", value="b")
post("tag too long", "runs/set-tag", run_id=run, key="long", value="x" * 8001)
post("tag deleted", "runs/delete-tag", run_id=run, key="a")
post("tag not there", "runs/delete-tag", run_id=run, key="a")
post("inputs", "runs/log-inputs", run_id=run, datasets=[{"tags": [{"key": "mlflow.data.context", "value": "training"}], "dataset": {"name": "rows", "digest": "d1", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}"}}])
ask("datasets", "POST", "experiments/search-datasets", {"experiment_ids": [experiment]}, prefix="/ajax-api/2.0/mlflow/")
get("run read", "runs/get", run_id=run)
get("run read by its old name", "runs/get", run_uuid=run)
get("run without id", "runs/get")
get("no run", "runs/get", run_id="0" * 32)
post("run updated", "runs/update", run_id=run, status="FINISHED", end_time=now + 5, run_name="renamed")
post("run of no status", "runs/update", run_id=run, status="HALF")
get("history", "metrics/get-history", run_id=run, metric_key="loss")
get("history of none", "metrics/get-history", run_id=run, metric_key="none")
get("history without key", "metrics/get-history", run_id=run)
get("history page", "metrics/get-history", run_id=run, metric_key="loss", max_results=1)
get("history after a forged token", "metrics/get-history", run_id=run, metric_key="loss", max_results=1, page_token="forged")
ask("bulk history", "GET", "metrics/get-history-bulk", query={"run_id": [run, second], "metric_key": "loss"}, prefix="/ajax-api/2.0/mlflow/")
ask("bulk history of none", "GET", "metrics/get-history-bulk", query={"metric_key": "loss"}, prefix="/ajax-api/2.0/mlflow/")
ask("intervals", "GET", "metrics/get-history-bulk-interval", query={"run_ids": [run], "metric_key": "loss", "max_results": 10}, prefix="/ajax-api/2.0/mlflow/")
ask("intervals of half a range", "GET", "metrics/get-history-bulk-interval", query={"run_ids": [run], "metric_key": "loss", "start_step": 1}, prefix="/ajax-api/2.0/mlflow/")
ask("intervals of none", "GET", "metrics/get-history-bulk-interval", query={"metric_key": "loss"}, prefix="/ajax-api/2.0/mlflow/")

# Searches: names of the runs found, or the refusal.
call("POST", "runs/log-batch", {"run_id": second, "metrics": [{"key": "auc", "value": 0.5, "timestamp": now}, {"key": "loss", "value": "NaN", "timestamp": now}], "params": [{"key": "depth", "value": "10"}], "tags": [{"key": "team", "value": "Ops"}, {"key": "with space", "value": "it's"}]})
call("POST", "runs/log-batch", {"run_id": third, "params": [{"key": "depth", "value": "3"}]})
searches = [
    ("", []), ("metrics.auc > 0.6", []), ("metric.auc >= 0.5 and params.depth = '3'", []), ("metrics.auc != 0.5", []),
    ("metrics.auc = 0.5 and", []), ("metrics.loss < 1", []), ("metrics.nothing = 0", []), ("metrics.endless > 1e300", []),
    ("params.depth != '3'", []), ("parameters.depth LIKE '1%'", []), ("params.depth ILIKE '3'", []), ("params.depth in ('3')", []),
    ("tags.team = 'ops'", []), ("tags.team ILIKE 'OPS'", []), ("tags.team LIKE 'O%'", []), ("tag.team != 'ops'", []),
    ("tags.`with space` = \"it's\"", []), ('tags."with space" LIKE "it%"', []), ("tags.missing != 'a'", []),
    ("attributes.status = 'FINISHED'", []), ("status != 'FINISHED'", []), ("attribute.run_name = 'second'", []), ("run_name LIKE 'sec%'", []),
    (f"start_time > {now}", []), (f"attributes.end_time <= {now + 5}", []), (f"run_id = '{run}'", []), (f"run_id IN ('{run}', '{third}')", []),
    (f"run_id NOT IN ('{run}')", []), ("user_id = 'me'", []), ("dataset.name = 'rows'", []), ("datasets.digest LIKE 'd%'", []),
    ("dataset.context = 'training'", []), ("dataset.name IN ('rows')", []), ("artifact_uri LIKE '%artifacts'", []),
    ("", ["metrics.auc DESC"]), ("", ["metrics.auc ASC"]), ("", ["metrics.loss DESC"]), ("", ["params.depth"]), ("", ["params.depth DESC"]),
    ("", ["tags.team"]), ("", ["start_time ASC"]), ("", ["attributes.end_time DESC"]), ("", ["end_time"]), ("", ["run_name DESC"]),
    ("", ["metrics.auc DESC", "params.depth ASC"]), ("", ["attribute.status", "metrics.loss"]), ("", ["metrics.`auc` desc"]),
    # Refused.
    ("metrics.auc > 0.6 OR metrics.auc < 1", []), ("NOT metrics.auc > 1", []), ("(metrics.auc > 1)", []), ("params.depth IS NULL", []),
    ("params.depth = '3';", []), ("metrics.auc > 'a'", []), ("metrics.auc LIKE 'a'", []), ("params.depth = 3", []), ("params.depth > '3'", []),
    ("things.a = '1'", []), ("attributes.nothing = '1'", []), ("status > 'a'", []), ("start_time = 'a'", []), ("run_id IN (1)", []),
    ("dataset.nothing = 'a'", []), ("metrics.auc", []), ("metrics.auc >", []), ("= 1", []), ("params.depth = '3' params.rate = '1'", []),
    ("params.depth = unquoted", []), ("params.depth = 'unfinished", []), ("status IN ('FINISHED')", []), ("metrics.auc IN (1)", []),
    ("", ["metrics.auc DOWN"]), ("", ["nothing"]), ("", ["dataset.name"]), ("", [""]), ("", ["metrics.auc DESC, run_id"]),
]  # fmt: skip
for text, order in searches:
    status, found = call("POST", "runs/search", {"experiment_ids": [experiment], "filter": text, "order_by": order})
    name = f"search {text!r} by {order}"
    for value, stands in known.items():
        name = name.replace(value, stands)
    answers[name] = {"status": status, "runs": [each["info"]["run_name"] for each in found.get("runs", [])]} if status == 200 else {
        "status": status, "error_code": found.get("error_code"), "message": normal(found.get("message")),
    }  # fmt: skip
page = call("POST", "runs/search", {"experiment_ids": [experiment], "max_results": 2, "order_by": ["metrics.auc DESC"]})[1]
ask("second page", "POST", "runs/search", {"experiment_ids": [experiment], "max_results": 2, "order_by": ["metrics.auc DESC"], "page_token": page["next_page_token"]})
post("search of nothing", "runs/search")
post("search of none", "runs/search", experiment_ids=[experiment], max_results=0)
post("search of too many", "runs/search", experiment_ids=[experiment], max_results=50001)
post("search of a negative", "runs/search", experiment_ids=[experiment], max_results=-1)
post("search after a forged token", "runs/search", experiment_ids=[experiment], page_token="forged")
post("search of no view", "runs/search", experiment_ids=[experiment], run_view_type="SOME")

# Artifacts
proxy = "/api/2.0/mlflow-artifacts/"
root = f"artifacts/{experiment}/{run}/artifacts"
ask("put", "PUT", f"{root}/deep/notes.txt", b"hello", prefix=proxy)
ask("put a model", "PUT", f"{root}/model/MLmodel", b"flavors: {}", prefix=proxy)
ask("get", "GET", f"{root}/deep/notes.txt", prefix=proxy)
ask("get a folder", "GET", f"{root}/deep", prefix=proxy)
ask("get nothing", "GET", f"{root}/none", prefix=proxy)
ask("listed by the proxy", "GET", "artifacts", query={"path": f"{experiment}/{run}/artifacts"}, prefix=proxy)
ask("listed by the proxy, a file", "GET", "artifacts", query={"path": f"{experiment}/{run}/artifacts/deep/notes.txt"}, prefix=proxy)
ask("listed by the proxy, nothing", "GET", "artifacts", query={"path": f"{experiment}/{run}/none"}, prefix=proxy)
get("listed", "artifacts/list", run_id=run)
get("listed below", "artifacts/list", run_id=run, path="deep")
get("listed, a file", "artifacts/list", run_id=run, path="deep/notes.txt")
get("listed, nothing", "artifacts/list", run_id=run, path="none")
get("listed above", "artifacts/list", run_id=run, path="../..")
ask("put above", "PUT", f"{root}/..%2f..%2f..%2fa", b"x", prefix=proxy)
ask("multipart", "POST", f"mpu/create/{experiment}/{run}/artifacts/a", {"path": "a", "num_parts": 2}, prefix=proxy)
ask("page's file", "GET", "get-artifact", query={"run_id": run, "path": "deep/notes.txt"}, prefix="/")
ask("deleted", "DELETE", f"{root}/deep/notes.txt", prefix=proxy)
ask("deleted again", "DELETE", f"{root}/deep/notes.txt", prefix=proxy)

# Logged models
made = post("logged model", "logged-models", experiment_id=experiment, name="model", source_run_id=run, params=[{"key": "a", "value": "1"}], tags=[{"key": "t", "value": "1"}], model_type="x")
model = learn(made["model"]["info"]["model_id"], "MODEL")
answers["logged model"]["body"] = normal(made)
post("logged model of an illegal name", "logged-models", experiment_id=experiment, name="a/b")
post("logged model of no experiment", "logged-models", experiment_id="99999999", name="a")
post("outputs", "runs/outputs", run_id=run, models=[{"model_id": model, "step": 1}])
post("metric of a model", "runs/log-batch", run_id=run, metrics=[{"key": "auc", "value": 0.75, "timestamp": now, "step": 0, "model_id": model, "dataset_name": "rows", "dataset_digest": "d1"}])
ask("logged model ready", "PATCH", f"logged-models/{model}", {"model_id": model, "status": "LOGGED_MODEL_READY"})
ask("logged model tags", "PATCH", f"logged-models/{model}/tags", {"model_id": model, "tags": [{"key": "u", "value": "2"}]})
ask("logged model params", "POST", f"logged-models/{model}/params", {"model_id": model, "params": [{"key": "b", "value": "2"}]})
get("logged model read", f"logged-models/{model}")
get("no logged model", "logged-models/m-none")
get("run with its model", "runs/get", run_id=run)
for text in ["", "name = 'model'", "params.a = '1'", "tags.t = '1'", "metrics.auc > 0.5", "metrics.auc > 0.9", "status = 'READY'", "nothing = 'a'", f"source_run_id = '{run}'"]:
    post(f"logged models by {text!r}".replace(run, "RUN"), "logged-models/search", experiment_ids=[experiment], filter=text)
post("logged models of nothing", "logged-models/search")
post("logged models in order", "logged-models/search", experiment_ids=[experiment], order_by=[{"field_name": "metrics.auc", "ascending": False}])
post("logged models in no order", "logged-models/search", experiment_ids=[experiment], order_by=[{"field_name": "nothing"}])
ask("logged model tag deleted", "DELETE", f"logged-models/{model}/tags/u")
ask("logged model tag not there", "DELETE", f"logged-models/{model}/tags/u")
ask("model's folder", "GET", f"logged-models/{model}/artifacts/directories")

# Registered models
name = f"parity-{tag}"
post("registered", "registered-models/create", name=name, description="d", tags=[{"key": "a", "value": "1"}])
post("registered twice", "registered-models/create", name=name)
post("registered without name", "registered-models/create")
post("registered by an empty name", "registered-models/create", name="")
post("registered by an illegal name", "registered-models/create", name="a/b")
get("registered read", "registered-models/get", name=name)
get("registered not there", "registered-models/get", name="nowhere")
ask("registered described", "PATCH", "registered-models/update", {"name": name, "description": "e"})
post("registered tag", "registered-models/set-tag", name=name, key="k", value="v")
ask("registered tag deleted", "DELETE", "registered-models/delete-tag", {"name": name, "key": "k"})
ask("registered tag not there", "DELETE", "registered-models/delete-tag", {"name": name, "key": "k"})
post("version", "model-versions/create", name=name, source=f"runs:/{run}/model", run_id=run, tags=[{"key": "a", "value": "1"}], description="v")
post("version of a logged model", "model-versions/create", name=name, source=f"models:/{model}", run_id=run, model_id=model)
post("version of no model", "model-versions/create", name="nowhere", source=f"runs:/{run}/model", run_id=run)
post("version of a file", "model-versions/create", name=name, source="file:///etc/passwd")
post("version of another run", "model-versions/create", name=name, source=f"runs:/{second}/model", run_id=run)
post("version without source", "model-versions/create", name=name)
get("version read", "model-versions/get", name=name, version="1")
get("version of a logged model read", "model-versions/get", name=name, version="2")
get("version not there", "model-versions/get", name=name, version="99")
get("version of no number", "model-versions/get", name=name, version="x")
get("download", "model-versions/get-download-uri", name=name, version="1")
get("download of a logged model", "model-versions/get-download-uri", name=name, version="2")
ask("version described", "PATCH", "model-versions/update", {"name": name, "version": "1", "description": "w"})
post("version tag", "model-versions/set-tag", name=name, version="1", key="k", value="v")
ask("version tag deleted", "DELETE", "model-versions/delete-tag", {"name": name, "version": "1", "key": "k"})
ask("version tag not there", "DELETE", "model-versions/delete-tag", {"name": name, "version": "1", "key": "k"})
post("alias", "registered-models/alias", name=name, alias="champion", version="1")
post("alias of a reserved name", "registered-models/alias", name=name, alias="latest", version="1")
post("alias like a version", "registered-models/alias", name=name, alias="v1", version="1")
post("alias of an illegal name", "registered-models/alias", name=name, alias="a b", version="1")
post("alias of no version", "registered-models/alias", name=name, alias="a", version="99")
get("alias read", "registered-models/alias", name=name, alias="champion")
get("alias not there", "registered-models/alias", name=name, alias="none")
post("stage", "model-versions/transition-stage", name=name, version="1", stage="production", archive_existing_versions=True)
post("stage again", "model-versions/transition-stage", name=name, version="2", stage="Production", archive_existing_versions=True)
post("no stage", "model-versions/transition-stage", name=name, version="1", stage="Half")
post("stage that archives", "model-versions/transition-stage", name=name, version="1", stage="Archived", archive_existing_versions=True)
get("latest", "registered-models/get-latest-versions", name=name)
get("latest of a stage", "registered-models/get-latest-versions", name=name, stages=["Production"])
get("registered with versions", "registered-models/get", name=name)
for text in [f"name = '{name}'", f"name LIKE '{name}%'", f"name ILIKE '{name.upper()}'", f"name = '{name}' and tags.a = '1'", f"name = '{name}' and tag.`mlflow.prompt.is_prompt` != 'true'", f"name = '{name}' and tags.a != '1'", "nothing = 'a'", "name > 'a'"]:
    get(f"registered by {text!r}".replace(tag, "TAG").replace(tag.upper(), "TAG"), "registered-models/search", filter=text)
get("registered in order", "registered-models/search", filter=f"name = '{name}'", order_by=["last_updated_timestamp DESC", "name ASC"])
get("registered in no order", "registered-models/search", order_by=["nothing"])
get("registered of too many", "registered-models/search", max_results=1001)
for text in [f"name = '{name}'", f"name = '{name}' and version_number = 1", f"name = '{name}' and version_number > 1", f"run_id = '{run}'", f"name = '{name}' and run_id IN ('{run}')", f"source_path = 'runs:/{run}/model'", f"name = '{name}' and tags.a = '1'", "nothing = 'a'"]:
    get(f"versions by {text!r}".replace(tag, "TAG").replace(run, "RUN"), "model-versions/search", filter=text)
get("versions in order", "model-versions/search", filter=f"name = '{name}'", order_by=["version_number DESC"])
get("versions in no order", "model-versions/search", order_by=["nothing"])
ask("alias deleted", "DELETE", "registered-models/alias", {"name": name, "alias": "champion"})
ask("alias deleted again", "DELETE", "registered-models/alias", {"name": name, "alias": "champion"})
ask("version deleted", "DELETE", "model-versions/delete", {"name": name, "version": "1"})
ask("version deleted again", "DELETE", "model-versions/delete", {"name": name, "version": "1"})
post("renamed", "registered-models/rename", name=name, new_name=f"renamed-{tag}")
get("renamed away", "registered-models/get", name=name)
post("renamed without name", "registered-models/rename", name=f"renamed-{tag}")
get("versions of the renamed", "model-versions/search", filter=f"name = 'renamed-{tag}'")
ask("registered deleted", "DELETE", "registered-models/delete", {"name": f"renamed-{tag}"})
ask("registered deleted again", "DELETE", "registered-models/delete", {"name": f"renamed-{tag}"})

# The end of things
ask("logged model deleted", "DELETE", f"logged-models/{model}")
get("logged model gone", f"logged-models/{model}")
post("run deleted", "runs/delete", run_id=run)
post("run deleted again", "runs/delete", run_id=run)
post("metric of a deleted run", "runs/log-metric", run_id=run, key="a", value=1, timestamp=now)
post("tag of a deleted run", "runs/set-tag", run_id=run, key="a", value="1")
post("deleted run updated", "runs/update", run_id=run, status="FAILED")
post("deleted runs", "runs/search", experiment_ids=[experiment], run_view_type="DELETED_ONLY", filter="attributes.run_name = 'nobody'")
post("run restored", "runs/restore", run_id=run)
post("experiment deleted", "experiments/delete", experiment_id=experiment)
post("experiment deleted again", "experiments/delete", experiment_id=experiment)
get("experiment of the deleted", "experiments/get", experiment_id=experiment)
post("run of a deleted experiment", "runs/create", experiment_id=experiment)
post("experiment of a deleted name", "experiments/create", name=f"parity-{tag}")
get("run of the deleted experiment", "runs/get", run_id=second)
post("experiment restored", "experiments/restore", experiment_id=experiment)
post("experiment restored again", "experiments/restore", experiment_id=experiment)
post("experiment renamed", "experiments/update", experiment_id=experiment, new_name=f"renamed-{tag}")
post("experiment renamed to nothing", "experiments/update", experiment_id=experiment)

# Bodies
ask("no JSON", "POST", "runs/create", b"{", headers={"Content-Type": "application/json"})
ask("no content type", "POST", "runs/create", b"{}")
ask("a list", "POST", "runs/create", [])
ask("an unknown field", "POST", "runs/search", {"experiment_ids": [], "unheard": 1})
ask("no route", "GET", "nothing")
ask("health", "GET", "health", prefix="/")

print(json.dumps(own(answers), indent=1, sort_keys=True))
