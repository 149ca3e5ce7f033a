"""What a team on Feast does: its own definitions, pointed at the feature store by `online_store: remote`. Prints what came of it as JSON."""

import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.repo_config import RepoConfig
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

url = sys.argv[1]
folder = Path(tempfile.mkdtemp())
store = FeatureStore(
    config=RepoConfig(
        project="default",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "remote", "path": url, "connection_retries": 0},
        entity_key_serialization_version=3,
    )
)

flight = Entity(name="flight", join_keys=["flight"], value_type=ValueType.STRING)
origin = Entity(name="origin", join_keys=["origin"], value_type=ValueType.STRING)
destination = Entity(name="destination", join_keys=["destination"], value_type=ValueType.STRING)
ticket = Entity(name="ticket", join_keys=["ticket"], value_type=ValueType.INT64)
source = FileSource(path=str(folder / "rows.parquet"), timestamp_field="at")


def view(name, entities, **fields):
    schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
    return FeatureView(name=name, entities=entities, schema=schema, source=source, ttl=timedelta(days=30))


plans = view(
    "plans", [flight], carrier=String, distanceKm=Float64, share=Float32, seats=Int64, gates=Int32, late=Bool, departsAt=UnixTimestamp
)
routes = view("routes", [origin, destination], delay=Float64)
tickets = view("tickets", [ticket], price=Float64)
media = view(
    "media", [flight], photo=Bytes, tags=Array(String), vector=Array(Float64), ids=Array(Int64), flags=Array(Bool), takenAt=UnixTimestamp
)
service = FeatureService(name="delay@3", features=[plans[["distanceKm", "carrier"]]])
champion = FeatureService(name="delay", features=[plans[["distanceKm"]]])
store.apply([flight, origin, destination, ticket, plans, routes, tickets, media, service, champion])


def read(features, rows, **more):
    answer = store.get_online_features(features=features, entity_rows=rows, **more)
    kinds = [[value.WhichOneof("val") for value in result.values] for result in answer.proto.results]
    names = list(answer.proto.metadata.feature_names.val)
    return {"values": answer.to_dict(), "kinds": dict(zip(names, kinds)), "statuses": {
        name: [int(status) for status in result.statuses] for name, result in zip(names, answer.proto.results)
    }}


def failure(work):
    try:
        work()
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"


flights = [{"flight": "F1"}, {"flight": "F2"}, {"flight": "F9"}]
everything = [f"plans:{name}" for name in ["carrier", "distanceKm", "share", "seats", "gates", "late", "departsAt"]]
media_names = ["photo", "tags", "vector", "ids", "flags", "takenAt"]
print(json.dumps({
    "media": read([f"media:{name}" for name in media_names], [{"flight": name} for name in ["M1", "M2", "M3", "M9"]]),
    "all": read(everything, flights),
    "full names": read(["plans:seats"], flights, full_feature_names=True)["values"],
    "several views": read(
        ["plans:seats", "routes:delay"], [{"flight": "F1", "origin": "ATL", "destination": "SFO"}]
    )["values"],
    "composite": read(["routes:delay"], [{"origin": "ATL", "destination": "SFO"}, {"origin": "SFO", "destination": "ATL"}]),
    "large key": read(["tickets:price"], [{"ticket": 9007199254740993}])["values"],
    "service": read(store.get_feature_service("delay@3"), flights)["values"],
    "champion": read(store.get_feature_service("delay"), flights)["values"],
    "unknown service": failure(lambda: read(FeatureService(name="nothing", features=[]), flights)),
    "unknown view": failure(lambda: read(["nowhere:x"], flights)),
    "half a key": failure(lambda: read(["routes:delay"], [{"origin": "ATL"}])),
}))
