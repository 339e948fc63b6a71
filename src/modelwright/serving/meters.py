"""What /metrics tells, in the words of Prometheus: counted where it happens, read when it is asked for. Never a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from modelwright.serving.desk import Desk
from modelwright.serving.house import House
from modelwright.serving.speaker import Speaker

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""


class Meters:
    """Of one server."""

    def __init__(self, house: House) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(Desks({name: model.desk for name, model in house.models.items()}))
        self.registry.register(Speakers({name: one.speaker for name, one in house.speaking.items()}))
        told = ("modelwright_requests", "Requests that were answered or turned away.", ["route", "model", "status"])
        self.requests = Counter(*told, registry=self.registry)
        waited = ("modelwright_request_seconds", "From a request's first line to its answer.", ["route"])
        self.seconds = Histogram(*waited, registry=self.registry, buckets=BUCKETS)

    def note(self, route: str, model: str, status: int, seconds: float) -> None:
        self.requests.labels(route, model, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Desks(Collector):
    """The desks' own counts."""

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        self.desks = desks

    def collect(self) -> Iterator[Metric]:
        counted = (
            ("modelwright_rows", "Rows that a model was asked.", lambda desk: desk.seen.rows),
            ("modelwright_faulty_rows", "Rows among them that were answered with a fault.", lambda desk: desk.seen.faulty),
            ("modelwright_batches", "Batches that these rows were answered in.", lambda desk: desk.seen.batches),
            ("modelwright_hung_up", "Requests whose client left the queue.", lambda desk: desk.seen.left),
        )
        for name, about, count in counted:
            family = CounterMetricFamily(name, about, labels=["model"])
            for model, desk in self.desks.items():
                family.add_metric([model], count(desk))
            yield family
        waiting = GaugeMetricFamily("modelwright_waiting_rows", "Rows in the queue now.", labels=["model"])
        for model, desk in self.desks.items():
            waiting.add_metric([model], desk.waiting)
        yield waiting


class Speakers(Collector):
    """The speakers' own counts."""

    def __init__(self, speakers: Mapping[str, Speaker]) -> None:
        self.speakers = speakers

    def collect(self) -> Iterator[Metric]:
        counted = (
            ("modelwright_prompts", "Prompts that a model was given.", lambda one: one.seen.prompts),
            ("modelwright_tokens", "Tokens that it said in whole answers.", lambda one: one.seen.tokens),
            ("modelwright_faulty_prompts", "Prompts that it could not answer.", lambda one: one.seen.faulty),
            ("modelwright_first_piece_seconds", "From prompt to first piece, summed over prompts.", lambda one: one.seen.first),
            ("modelwright_left_prompts", "Prompts whose client hung up.", lambda one: one.seen.left),
        )
        for name, about, count in counted:
            family = CounterMetricFamily(name, about, labels=["model"])
            for model, speaker in self.speakers.items():
                family.add_metric([model], count(speaker))
            yield family
        waiting = GaugeMetricFamily("modelwright_waiting_prompts", "Prompts in the queue now.", labels=["model"])
        for model, speaker in self.speakers.items():
            waiting.add_metric([model], speaker.waiting)
        yield waiting
