"""A trainer in Python: scikit-learn, exported to ONNX, logged with the MLflow client.

The dispatcher starts it with the path of a job file in CASCATA_JOB and with MLFLOW_TRACKING_URI and MLFLOW_RUN_ID of the run.
It leaves model.onnx, signature.json, golden.json and metrics.json in the job's output folder; its exit code is the verdict.
Copy this file, change `pipeline_for`, and name it in the Model:

    train:
      trainer: {command: [python3, trainers/my-trainer/train.py]}
      code: <git commit>

The model's inputs are the columns by name, one tensor each: text as string ("" is missing), everything else as float32 (NaN is missing).
"""

import json
import os
import sys
from pathlib import Path

import mlflow
import numpy as np
import onnxruntime
import pyarrow.parquet as pq
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

GOLDEN_ROWS = 100
TEXT = "string"


def main() -> None:
    job = json.loads(Path(os.environ["CASCATA_JOB"]).read_text())
    features = [column for column in job["columns"] if column["role"] == "feature"]
    train = read(job["dataset"]["train"], features, job["label"])
    validation = read(job["dataset"]["validation"], features, job["label"]) if job["dataset"]["validation"] else None
    say(0.1, {"rows": len(train["label"])})

    classes = None if job["task"] == "regression" else sorted(set(train["label"].tolist()))
    if classes is not None and len(classes) < 2:
        give_up("TRAINER_BAD_LABELS", f"Every row has the same label ({classes[0]}).")
    pipeline = pipeline_for(job, features)
    pipeline.fit(frame_of(train, features), train["label"])
    say(0.8, {})

    model = export(pipeline, features, job["task"])
    shown = validation or train
    metrics = {"rows": len(train["label"]), **losses(pipeline, frame_of(shown, features), shown["label"], classes)}
    write(job, features, classes, model, shown, metrics)
    log(job, metrics)
    say(1.0, metrics)


def pipeline_for(job: dict, features: list[dict]) -> Pipeline:
    """What is trained: change this. Parameters come from `train.params` of the Model."""
    numbers = [column["name"] for column in features if column["type"] != TEXT]
    texts = [column["name"] for column in features if column["type"] == TEXT]
    encode = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
            ("numbers", SimpleImputer(strategy="median"), numbers),
        ]
    )
    booster = GradientBoostingRegressor if job["task"] == "regression" else GradientBoostingClassifier
    params = {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 4, **job["params"]}
    return Pipeline([("encode", encode), ("model", booster(random_state=job["seed"], **params))])


def read(paths: list[str], features: list[dict], label: str) -> dict[str, np.ndarray]:
    table = pq.read_table(paths, columns=[column["name"] for column in features] + [label])
    columns = {column["name"]: values_of(table[column["name"]], column["type"]) for column in features}
    labels = table[label].to_numpy(zero_copy_only=False)
    return {**columns, "label": labels.astype(np.int64) if labels.dtype == bool else labels}


def values_of(column, kind: str) -> np.ndarray:
    if kind == TEXT:
        return np.array([value or "" for value in column.to_pylist()], dtype=object)
    if kind == "timestamp":
        column = column.cast("timestamp[ms, tz=UTC]").cast("int64")
    return column.cast("float64").to_numpy(zero_copy_only=False).astype(np.float32)


def frame_of(rows: dict[str, np.ndarray], features: list[dict]):
    import pandas

    return pandas.DataFrame({column["name"]: rows[column["name"]] for column in features})


def losses(pipeline: Pipeline, frame, labels, classes) -> dict[str, float]:
    if classes is None:
        return {"mse": float(mean_squared_error(labels, pipeline.predict(frame)))}
    return {"logLoss": float(log_loss(labels, pipeline.predict_proba(frame), labels=classes))}


def export(pipeline: Pipeline, features: list[dict], task: str) -> bytes:
    inputs = [
        (column["name"], (StringTensorType if column["type"] == TEXT else FloatTensorType)([None, 1])) for column in features
    ]
    options = {} if task == "regression" else {id(pipeline): {"zipmap": False}}
    names = ["value"] if task == "regression" else ["label", "probabilities"]
    exported = convert_sklearn(
        pipeline, initial_types=inputs, options=options, target_opset={"": 17, "ai.onnx.ml": 3}
    )
    rename_outputs(exported.graph, names)
    return exported.SerializeToString()


def rename_outputs(graph, names: list[str]) -> None:
    for output, name in zip(graph.output, names, strict=True):
        for node in graph.node:
            for at, produced in enumerate(node.output):
                if produced == output.name:
                    node.output[at] = name
        output.name = name


def write(job: dict, features: list[dict], classes, model: bytes, shown: dict[str, np.ndarray], metrics: dict) -> None:
    folder = Path(job["output"])
    folder.mkdir(parents=True, exist_ok=True)
    count = min(GOLDEN_ROWS, len(shown["label"]))
    few = {name: values[:count] for name, values in shown.items()}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    answers = session.run(None, {column["name"]: few[column["name"]].reshape(-1, 1) for column in features})
    if classes is None:
        outputs = [{"name": "value", "type": "float", "shape": [-1, 1]}]
        golden = {"value": answers[0].reshape(-1).astype(float).tolist()}
    else:
        kind = "string" if isinstance(classes[0], str) else "int64"
        outputs = [
            {"name": "label", "type": kind, "shape": [-1]},
            {"name": "probabilities", "type": "float", "shape": [-1, len(classes)]},
        ]
        golden = {"label": answers[0].tolist(), "probabilities": answers[1].astype(float).tolist()}
    inputs = [{"name": column["name"], "type": column["type"], "nullable": True} for column in features]
    files = {
        "signature.json": {"inputs": inputs, "outputs": outputs, **({} if classes is None else {"classes": classes})},
        "golden.json": {"rows": count, "inputs": {c["name"]: plain(few[c["name"]]) for c in features}, "outputs": golden, "tolerance": 1e-5},
        "metrics.json": {"metrics": metrics, "fitted": {}},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "model.onnx").write_bytes(model)


def plain(values: np.ndarray) -> list:
    """JSON knows no NaN: missing is null."""
    if values.dtype == object:
        return [value or None for value in values.tolist()]
    return [float(value) if np.isfinite(value) else None for value in values]


def log(job: dict, metrics: dict) -> None:
    """Into the MLflow run that the dispatcher has opened; it also closes it."""
    run = os.environ.get("MLFLOW_RUN_ID")
    if not run:
        return
    client = mlflow.MlflowClient()
    prefix = "refit." if job["refit"] else ""
    for name, value in metrics.items():
        client.log_metric(run, f"{prefix}{name}", value)
    client.set_tag(run, "cascata.trainer", "sklearn")
    client.log_artifact(run, str(Path(job["output"]) / "model.onnx"), "refit" if job["refit"] else "candidate")


def say(share: float, metrics: dict) -> None:
    print(json.dumps({"progress": share, "metrics": metrics}), flush=True)


def give_up(code: str, message: str) -> None:
    print(json.dumps({"error": {"code": code, "message": message}}), flush=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
