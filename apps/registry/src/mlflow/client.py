"""What a user of MLflow does, with the real client, against the registry at MLFLOW_TRACKING_URI."""

import json
import math
import os
import sys
import tempfile

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.data.numpy_dataset import from_numpy
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

prefix = sys.argv[1]
answers = {}
client = MlflowClient()


def refusal(call):
    try:
        call()
    except MlflowException as error:
        return {"code": error.error_code, "message": error.message}
    return None


experiment = mlflow.set_experiment(f"{prefix}-experiment")
mlflow.set_experiment(f"{prefix}-experiment")

inputs = np.array([[0.0], [1.0], [2.0], [3.0]])
labels = np.array([0, 0, 1, 1])
with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("depth", 3)
    mlflow.log_params({"rate": 0.1, "trees": 100})
    mlflow.log_metric("loss", 0.5, step=0)
    mlflow.log_metric("loss", 0.25, step=1)
    mlflow.log_metrics({"auc": 0.75, "nothing": math.nan, "endless": math.inf})
    mlflow.set_tag("team", "ops")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "notes.txt")
        with open(path, "w") as file:
            file.write("hello")
        mlflow.log_artifact(path)
        mlflow.log_artifacts(folder, artifact_path="deep/down")
    mlflow.log_dict({"a": 1}, "a.json")
    mlflow.log_input(from_numpy(inputs, name="rows"), context="training")
    mlflow.sklearn.log_model(
        LogisticRegression().fit(inputs, labels),
        name="model",
        registered_model_name=f"{prefix}-model",
        pip_requirements=["scikit-learn"],
    )
    answers["changed_param"] = refusal(lambda: client.log_param(run.info.run_id, "depth", 4))
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.log_metric("auc", 0.5)

kept = mlflow.get_run(run.info.run_id)
answers["status"] = kept.info.status
answers["params"] = kept.data.params
answers["metrics"] = {key: repr(value) for key, value in sorted(kept.data.metrics.items())}
answers["history"] = [[point.step, point.value] for point in client.get_metric_history(run.info.run_id, "loss")]
answers["tag"] = kept.data.tags["team"]
answers["datasets"] = [[entry.dataset.name, entry.tags[0].value] for entry in kept.inputs.dataset_inputs]
answers["artifacts"] = sorted(entry.path for entry in client.list_artifacts(run.info.run_id))
answers["deep"] = [[entry.path, entry.file_size] for entry in client.list_artifacts(run.info.run_id, "deep/down")]
answers["download"] = open(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="deep/down/notes.txt")).read()

found = mlflow.search_runs(
    [experiment.experiment_id], "metrics.auc > 0.6 and params.depth = '3' and tags.team LIKE 'o%'", output_format="list"
)
answers["found"] = [entry.info.run_name for entry in found]
ordered = mlflow.search_runs([experiment.experiment_id], order_by=["metrics.auc ASC"], output_format="list")
answers["ordered"] = [entry.info.run_name for entry in ordered]
answers["bad_filter"] = refusal(lambda: mlflow.search_runs([experiment.experiment_id], "metrics.auc > 0.6 OR params.a = 'b'"))

model = client.get_registered_model(f"{prefix}-model")
version = client.get_model_version(f"{prefix}-model", "1")
answers["models"] = [entry.name for entry in client.search_registered_models(f"name = '{prefix}-model'")]
answers["version"] = [version.version, version.run_id == run.info.run_id, version.status, model.latest_versions[0].version]
answers["versions"] = [entry.version for entry in client.search_model_versions(f"name = '{prefix}-model'")]
client.set_model_version_tag(f"{prefix}-model", "1", "seen", "yes")
answers["version_tag"] = client.get_model_version(f"{prefix}-model", "1").tags["seen"]
loaded = mlflow.sklearn.load_model(f"models:/{prefix}-model/1")
answers["loaded"] = [int(value) for value in loaded.predict(inputs)]
answers["missing_alias"] = refusal(lambda: client.get_model_version_by_alias(f"{prefix}-model", "champion"))
client.set_registered_model_alias(f"{prefix}-model", "champion", "1")
answers["by_alias"] = [int(value) for value in mlflow.sklearn.load_model(f"models:/{prefix}-model@champion").predict(inputs)]
answers["aliases"] = [client.get_registered_model(f"{prefix}-model").aliases, list(client.get_model_version(f"{prefix}-model", "1").aliases)]
client.transition_model_version_stage(f"{prefix}-model", "1", "Production", archive_existing_versions=True)
answers["by_stage"] = [entry.version for entry in client.get_latest_versions(f"{prefix}-model", ["Production"])]

# Autolog: params, metrics and the model of a fit, without a word of the user's.
mlflow.sklearn.autolog(log_datasets=True, pos_label=1)
with mlflow.start_run(run_name="autologged") as automatic:
    LogisticRegression(C=0.5).fit(inputs, labels)
mlflow.sklearn.autolog(disable=True)
logged = mlflow.get_run(automatic.info.run_id)
answers["autologged"] = [logged.data.params["C"], "training_f1_score" in logged.data.metrics, logged.data.tags["estimator_name"]]
answers["logged_models"] = [
    entry.source_run_id == automatic.info.run_id
    for entry in mlflow.search_logged_models([experiment.experiment_id], f"source_run_id = '{automatic.info.run_id}'", output_format="list")
]
children = mlflow.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'", output_format="list")
answers["children"] = [entry.info.run_name for entry in children]

# A large file, up and down, and several small writers at once.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "large.bin")
    with open(path, "wb") as file:
        file.write(os.urandom(1 << 20) * 50)
    client.log_artifact(run.info.run_id, path)
    back = client.download_artifacts(run.info.run_id, "large.bin", tempfile.mkdtemp(dir=folder))
    answers["large"] = open(path, "rb").read() == open(back, "rb").read()

# A client that is told to send parts learns that they are not taken, and sends the file whole.
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(1 << 20)
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "parts.bin")
    with open(path, "wb") as file:
        file.write(os.urandom(6 << 20))
    client.log_artifact(run.info.run_id, path)
    back = client.download_artifacts(run.info.run_id, "parts.bin", tempfile.mkdtemp(dir=folder))
    answers["parts"] = open(path, "rb").read() == open(back, "rb").read()
del os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"]
answers["missing_run"] = refusal(lambda: client.get_run("0" * 32))

client.rename_registered_model(f"{prefix}-model", f"{prefix}-renamed")
client.delete_registered_model_alias(f"{prefix}-renamed", "champion")
client.delete_model_version(f"{prefix}-renamed", "1")
client.delete_registered_model(f"{prefix}-renamed")
answers["gone"] = refusal(lambda: client.get_registered_model(f"{prefix}-renamed"))
client.delete_run(run.info.run_id)
answers["deleted"] = refusal(lambda: client.log_metric(run.info.run_id, "loss", 1.0))
client.restore_run(run.info.run_id)

print(json.dumps(answers))
