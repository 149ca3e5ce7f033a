"""Prints as JSON what the tracking server at MLFLOW_TRACKING_URI holds, as far as an import keeps it, read with the real client."""

import hashlib
import json
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient

client = MlflowClient()


def files(list_files, download):
    """The hash of every file by its path."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(download(folder))
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        } if list_files() else {}


def tags(found):
    return {key: value for key, value in sorted(found.items()) if not key.startswith("cascata.")}


def points(run_id, key):
    return sorted([repr(point.value), point.timestamp, point.step] for point in client.get_metric_history(run_id, key))


def run(found):
    run_id = found.info.run_id
    return {
        "name": found.info.run_name,
        "user": found.info.user_id,
        "status": found.info.status,
        "times": [found.info.start_time, found.info.end_time],
        "params": dict(sorted(found.data.params.items())),
        "metrics": {key: points(run_id, key) for key in sorted(found.data.metrics)},
        "latest": {key: repr(value) for key, value in sorted(found.data.metrics.items())},
        "tags": tags(found.data.tags),
        "inputs": [
            [[tag.key, tag.value] for tag in each.tags] + sorted(map(str, each.dataset.to_dictionary().items()))
            for each in found.inputs.dataset_inputs
        ],
        "outputs": [each.model_id for each in found.outputs.model_outputs] if found.outputs else [],
        "files": files(lambda: client.list_artifacts(run_id), lambda folder: client.download_artifacts(run_id, "", folder)),
    }


def logged_model(model):
    return {
        "name": model.name,
        "type": model.model_type,
        "run": model.source_run_id,
        "status": str(model.status),
        "params": dict(sorted(model.params.items())),
        "tags": tags(model.tags),
        "metrics": sorted([metric.key, repr(metric.value), metric.step, metric.run_id] for metric in model.metrics or []),
        "files": files(
            lambda: True,
            lambda folder: mlflow.artifacts.download_artifacts(f"models:/{model.model_id}", dst_path=folder),
        ),
    }


def version(found):
    return {
        "run": found.run_id,
        "description": found.description or "",
        "tags": tags(found.tags),
        "stage": found.current_stage,
        "status": found.status,
    }


experiments = client.search_experiments()
answers = {
    "experiments": {
        each.name: {
            "tags": tags(each.tags),
            "runs": {found.info.run_id: run(found) for found in client.search_runs([each.experiment_id])},
            "models": {model.model_id: logged_model(model) for model in client.search_logged_models([each.experiment_id])},
        }
        for each in experiments
    },
    "models": {
        model.name: {
            "description": model.description or "",
            "tags": tags(model.tags),
            "aliases": dict(sorted(model.aliases.items())),
            "versions": {
                found.version: version(found) for found in client.search_model_versions(f"name = '{model.name}'")
            },
        }
        for model in client.search_registered_models()
    },
    "predictions": [
        mlflow.sklearn.load_model(f"models:/Delay Model{which}").predict(np.array([[0.0], [1.0], [2.0], [3.0]])).tolist()
        for which in ("@champion", "@before", "/2")
    ],
}
print(json.dumps(answers))
