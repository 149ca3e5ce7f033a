"""Joins datasets of the feature store with Spark.

    spark-submit infra/spark/build_dataset.py job.json [job.json …]

A job is what the feature store made of the plan of a dataset (apps/feature-store/src/datasets/spark.ts): Parquet files by name,
and the steps of the plan in Spark's SQL. A table that is kept is written to a folder of its name under `work`, and read from there.
"""

import json
import sys

from pyspark.sql import SparkSession

SETTINGS = {
    # Instants are instants, whatever zone the cluster is in, and what can't be computed is an error.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
}


def run(spark: SparkSession, job: dict) -> None:
    for name, paths in job["inputs"].items():
        spark.read.parquet(*paths).createOrReplaceTempView(name)
    for step in job["steps"]:
        table = spark.sql(step["as"])
        if step["keep"]:
            folder = f"{job['work']}/{step['table']}"
            schema = table.schema
            table.write.mode("overwrite").parquet(folder)
            table = spark.read.schema(schema).parquet(folder)
        table.createOrReplaceTempView(step["table"])


def main(paths: list[str]) -> None:
    spark = SparkSession.builder.appName("cascata-datasets").getOrCreate()
    try:
        for name, value in SETTINGS.items():
            spark.conf.set(name, value)
        for path in paths:
            with open(path, encoding="utf-8") as file:
                run(spark, json.load(file))
    finally:
        spark.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
