"""Fills the tracking server at MLFLOW_TRACKING_URI with what an import has to bring over, with the real client."""

import math
import os
import tempfile

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.data.numpy_dataset import from_numpy
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
inputs = np.array([[0.0], [1.0], [2.0], [3.0]])

mlflow.set_experiment("delays")
mlflow.set_experiment_tag("team", "ops")
mlflow.set_experiment_tag("cascata.namespace", "somebody-else")
with mlflow.start_run(run_name="sweep", description="two fits") as parent:
    mlflow.log_param("depths", "3, 4")
    for version, depth in enumerate((3, 4), start=1):
        with mlflow.start_run(run_name=f"depth {depth}", nested=True) as run:
            mlflow.log_params({"depth": depth, "empty": "", "long": "é" * 3_000})
            for step in range(25):
                mlflow.log_metric("loss", 1 / (step + depth), step=step)
            # Two values of one step, and values that JSON has no numbers for.
            mlflow.log_metric("loss", 0.5, step=24)
            mlflow.log_metrics({"nothing": math.nan, "endless": math.inf, "down/deep": -math.inf}, step=-1)
            mlflow.set_tags({"note": 'a "quoted"\nline', "cascata.imported": "by nobody"})
            mlflow.log_input(from_numpy(inputs, name="rows"), context="training")
            mlflow.log_text("hello", "notes.txt")
            mlflow.log_text("", "empty.txt")
            mlflow.log_text("déjà vu", "deep/down/a b+c%41 é.txt")
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "weights.bin")
                with open(path, "wb") as file:
                    file.write(bytes(range(256)) * 20_000)
                mlflow.log_artifact(path, "checkpoints")
            labels = np.array([0, 0, 1, 1]) if depth == 3 else np.array([0, 1, 1, 1])
            mlflow.sklearn.log_model(
                LogisticRegression(C=100.0).fit(inputs, labels),
                name="model",
                registered_model_name="Delay Model",
                pip_requirements=["scikit-learn"],
            )
        client.set_model_version_tag("Delay Model", str(version), "depth", str(depth))
client.update_registered_model("Delay Model", "predicts delays")
client.set_registered_model_tag("Delay Model", "owner", "ops")
client.update_model_version("Delay Model", "2", "deeper")
client.set_registered_model_alias("Delay Model", "champion", "2")
client.set_registered_model_alias("Delay Model", "before", "1")
client.transition_model_version_stage("Delay Model", "1", "Archived")

# A version whose number stands after a gap, of files of a run, as clients before MLflow 3 register them.
for _ in range(2):
    old = client.create_model_version("Delay Model", f"{parent.info.artifact_uri}/old", run_id=parent.info.run_id)
    if old.version == "3":
        client.delete_model_version("Delay Model", "3")

mlflow.set_experiment("many")
for index in range(30):
    with mlflow.start_run(run_name=f"run {index}"):
        mlflow.log_metric("auc", index / 30)
with mlflow.start_run(run_name="gone") as gone:
    mlflow.log_metric("auc", 1)
client.delete_run(gone.info.run_id)
client.set_terminated(client.create_run(mlflow.set_experiment("many").experiment_id, run_name="failed").info.run_id, "FAILED")
client.delete_experiment(client.create_experiment("deleted"))
client.create_registered_model("mere name")
mlflow.genai.register_prompt("greeting", "Hello {{name}}")
