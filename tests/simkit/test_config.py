"""Configuration: one schema, flags over file over defaults, one clear line a problem."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from simkit.config import ConfigError, RunConfig, WalkSection, api_key
from simkit.config_check import check_run, secrets
from simkit.config_file import load_config, to_toml
from simkit.graph.walks.rules import WalkRules

Load = Callable[..., RunConfig]
Problems = Callable[..., list[str]]

A_RUN = """
[catalog]
paths = ["functions.json"]
[model]
name = "m"
[providers.default]
base_url = "http://127.0.0.1:8000/v1"
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a configuration from text, with overrides on top."""

    def load(text: str, **overrides: Any) -> RunConfig:
        path = tmp_path / "run.toml"
        path.write_text(text)
        return load_config(path, {key.replace("__", "."): v for key, v in overrides.items()})

    return load


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Problems:
    """What is wrong with a configuration, with the file called ``run.toml``."""

    def problems(text: str, **overrides: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **overrides)
        folder = f"{tmp_path}/"
        return [problem.replace(folder, "") for problem in caught.value.problems]

    return problems


def test_flags_go_over_the_file_and_the_file_over_defaults(load: Load) -> None:
    config = load("[run]\nseed = 3\nconversations = 7\n", run__seed=4, run__concurrency=None)

    assert (config.run.seed, config.run.conversations, config.run.concurrency) == (4, 7, 64)


def test_what_is_printed_loads_as_the_same_configuration(load: Load) -> None:
    config = load(A_RUN + 'extra_headers = {"X-Team" = "a"}\n[roles.judge]\ntemperature = 0.5\n')

    assert load(to_toml(config)) == config


def test_relative_catalogs_start_at_the_folder_of_the_file(load: Load, tmp_path: Path) -> None:
    config = load('[catalog]\npaths = ["a.json", "../b", "/c.json"]\n')

    assert config.catalog.paths == (
        tmp_path / "a.json",
        tmp_path.parent / "b",
        Path("/c.json"),
    )


def test_catalogs_of_the_command_line_start_where_the_command_runs(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = load(A_RUN, catalog__paths=[Path("a.json")])

    assert config.catalog.paths == (tmp_path / "elsewhere" / "a.json",)


def test_a_role_inherits_from_model_what_it_does_not_set(load: Load) -> None:
    config = load(
        '[model]\nname = "m"\ntemperature = 0.7\nmax_output_tokens = 900\n'
        '[roles.judge]\nmodel = "j"\ntemperature = 0\nprovider = "p"\n'
        '[providers.p]\nbase_url = "https://p.example"\n'
    )
    user, judge = config.role("user"), config.role("judge")

    assert (user.providers, user.model, user.temperature) == (("default",), "m", 0.7)
    assert (judge.providers, judge.model, judge.temperature) == (("p",), "j", 0.0)
    assert judge.max_output_tokens == 900


def test_provider_flags_mean_the_provider_that_model_names(load: Load) -> None:
    config = load(
        '[model]\nprovider = "a"\n[providers.a]\nbase_url = "http://a/v1"\n',
        provider__base_url="http://b/v1/",
        provider__requests_per_minute=60,
    )

    assert config.providers["a"].base_url == "http://b/v1"
    assert config.providers["a"].requests_per_minute == 60


def test_a_typo_is_answered_with_the_nearest_known_key(problems: Problems) -> None:
    assert problems("[run]\nconverstions = 3\n") == [
        'run.toml: run.converstions: unknown key; did you mean "conversations"?'
    ]
    assert problems("[embedding]\nxyz = 1\n") == [
        "run.toml: embedding.xyz: unknown key; known: model, provider"
    ]


def test_a_wrong_type_or_size_says_what_was_expected_and_found(problems: Problems) -> None:
    text = '[run]\nseed = -1\nconversations = "many"\nconcurrency = 1.5\n'
    text += '[catalog]\npaths = "a.json"\n[graph]\nembedder = "big"\n[filters]\njudge = 1\n'
    assert problems(text) == [
        "run.toml: run.seed: expected at least 0, found -1",
        'run.toml: run.conversations: expected a whole number, found "many"',
        "run.toml: run.concurrency: expected a whole number, found 1.5",
        'run.toml: catalog.paths: expected a list, found "a.json"',
        "run.toml: graph.embedder: expected 'minilm', 'lexical' or 'provider', found \"big\"",
        "run.toml: filters.judge: expected true or false, found 1",
    ]
    assert problems("run = 3\nproviders = []\n") == [
        "run.toml: run: expected a table, found 3",
        "run.toml: providers: expected a table, found an empty list",
    ]


def test_a_wrong_flag_is_blamed_on_the_command_line(problems: Problems) -> None:
    assert problems(A_RUN, run__seed=-4) == [
        "command line: run.seed: expected at least 0, found -4"
    ]


def test_a_judge_that_could_only_say_the_same_again_is_refused(load: Load) -> None:
    text = """
        catalog.demo = true
        model.name = "m"
        providers.default.base_url = "http://127.0.0.1:1/v1"
        filters.panel = [{ model = "m" }, { model = "m", temperature = 0.7 }, { model = "n" }]
    """
    with pytest.raises(ConfigError, match=r"filters\.panel\[0\]: m judges already"):
        check_run(load(text))


def test_chains_cannot_be_longer_at_least_than_at_most(problems: Problems) -> None:
    assert problems("[walk]\nmin_length = 9\n", walk__max_length=3) == [
        "run.toml: walk: min_length (9) must not be above max_length (3)"
    ]
    assert problems("[walk]\nshort_min_length = 5\n") == [
        "run.toml: walk: short_min_length (5) must not be above short_max_length (4)"
    ]


def test_walks_have_the_same_defaults_with_and_without_a_configuration() -> None:
    assert WalkRules(**WalkSection().rules) == WalkRules()


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "http://", "ftp://host", "http://h:x/", "http://h/a b"]
)
def test_an_address_must_be_http_with_a_host(problems: Problems, url: str) -> None:
    expected = 'expected an http or https address with a host, such as "https://api.example.com/v1"'
    assert problems(f'[providers.a]\nbase_url = "{url}"\n') == [
        f'run.toml: providers.a.base_url: {expected}, found "{url}"'
    ]


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "sk-SECRET"',
        'token = "sk-SECRET"',
        'api_key_env = "sk-SECRET"',
        'extra_headers = { Authorization = "Bearer sk-SECRET" }',
        'base_url = "https://user:sk-SECRET@host/v1"',
        'base_url = "https://host/v1?key=sk-SECRET"',
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(
    problems: Problems, line: str
) -> None:
    needed = "" if line.startswith("base_url") else 'base_url = "https://host/v1"\n'
    (problem,) = problems(f"[providers.a]\n{needed}{line}\n")

    assert "SECRET" not in problem
    assert "api_key_env" in problem or "nothing may follow ?" in problem


def test_a_provider_that_is_named_must_be_there(problems: Problems) -> None:
    assert problems('[roles.judge]\nprovider = "q"\n[providers.z]\nbase_url = "http://z"\n') == [
        "run.toml: roles.judge.provider: expected a table [providers.q]; there is [providers.z]"
    ]


def test_a_problem_of_a_fallback_names_its_place_in_the_list(problems: Problems) -> None:
    one = '{ model = "m", provider = "a" }'
    assert problems(f'[model]\nfallback = [{one}, {{ modle = "m", provider = "a" }}]\n') == [
        "run.toml: model.fallback[1].model: is required",
        'run.toml: model.fallback[1].modle: unknown key; did you mean "model"?',
    ]


def test_no_provider_at_all_is_refused(problems: Problems) -> None:
    assert problems("[model]\nprovider = []\n") == [
        "run.toml: model.provider: expected a list that is not empty, found an empty list"
    ]


def test_a_provider_has_a_plain_name(problems: Problems) -> None:
    assert problems('[providers."a b"]\nbase_url = "http://z"\n') == [
        'run.toml: providers.a b: expected a name of letters, digits, - and _, found "a b"'
    ]


def test_broken_toml_is_named_with_line_and_column(problems: Problems) -> None:
    assert problems("[run]\nseed = \n") == ["run.toml: line 2, column 8: Invalid value"]
    assert problems("[run]\nseed = [1,\n")[0].startswith("run.toml: line 3, column 1: ")


def test_a_catalog_in_the_place_of_the_configuration_is_told_where_it_belongs(
    tmp_path: Path,
) -> None:
    (tmp_path / "tools.json").write_text('[{"name": "f"}]')
    with pytest.raises(ConfigError, match=r"tools\.json: line 1, column \d+: .*--catalog"):
        load_config(tmp_path / "tools.json", {})


@pytest.mark.parametrize("score", ["-0.1", "1.0"])
def test_a_score_that_no_graph_can_be_built_with_is_refused(problems: Problems, score: str) -> None:
    (problem,) = problems(f"[graph]\nmin_score = {score}\n")
    assert problem.startswith("run.toml: graph.min_score: expected ")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_config(tmp_path / "none.toml", {})
    (tmp_path / "binary.toml").write_bytes(b"seed = \xff")
    with pytest.raises(ConfigError, match=r"binary\.toml: is not UTF-8 text \(byte 7\)"):
        load_config(tmp_path / "binary.toml", {})


def test_a_run_needs_a_catalog_a_model_and_a_provider_and_hears_of_all_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check_run(load_config(None, {"filters.judge": False}))

    catalog, model, provider = caught.value.problems
    assert catalog == (
        "catalog.paths: expected at least one catalog; name a file or folder there or with "
        "--catalog, or a graph with --graph, or try --demo"
    )
    assert model == (
        "model.name: expected the name of a model for writer, user, assistant, tool; set it "
        "there, under roles.writer.model, or with --model"
    )
    assert provider == (
        "model.provider: expected a table [providers.default]; give its base_url there or with "
        "--base-url"
    )


def test_a_run_with_all_it_needs_may_start(load: Load) -> None:
    check_run(load(A_RUN))


def test_a_key_that_the_environment_lacks_is_named_when_a_run_starts(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load(A_RUN + 'api_key_env = "ACME_KEY"\n')
    monkeypatch.delenv("ACME_KEY", raising=False)
    with pytest.raises(ConfigError) as caught:
        check_run(config)
    assert str(caught.value) == (
        "providers.default.api_key_env: the environment variable ACME_KEY is not set; put the "
        "key for http://127.0.0.1:8000/v1 there"
    )

    monkeypatch.setenv("ACME_KEY", " sk-1\n")
    check_run(config)
    assert api_key("ACME_KEY") == "sk-1"
    assert secrets(config) == {"sk-1"}


def test_filters_scale_with_the_concurrency_unless_set(load: Load) -> None:
    assert load("[run]\nconcurrency = 8\n").filter_workers == 4
    assert load("[run]\nconcurrency = 100\n").filter_workers == 25
    config = load("[filters]\nworkers = 3\n")
    assert (config.filter_workers, config.filter_queue) == (3, 3)


def test_every_option_has_a_description() -> None:
    def undescribed(model: type[BaseModel]) -> list[str]:
        names = [
            f"{model.__name__}.{n}" for n, f in model.model_fields.items() if not f.description
        ]
        inner = (f.annotation for f in model.model_fields.values())
        return names + [
            name
            for kind in inner
            if isinstance(kind, type) and issubclass(kind, BaseModel)
            for name in undescribed(kind)
        ]

    assert undescribed(RunConfig) == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("merge_rate = 1.5", "chain.merge_rate"),
        ("distractors = [4, 1]", "distractors must be two numbers from 0 to 100"),
        ("distractors = [1]", "chain.distractors"),
        ("irrelevance_rate = 0.6\nmissing_function_rate = 0.6", "must not be above 1 together"),
    ],
)
def test_rates_of_chains_that_cannot_be_are_told(
    problems: Problems, options: str, complaint: str
) -> None:
    (problem,) = problems(f"[chain]\n{options}\n")
    assert complaint in problem
    assert problem.startswith("run.toml")


def test_the_rates_of_chains_are_read(load: Load) -> None:
    config = load("[chain]\ndistractors = [0, 9]\nirrelevance_rate = 0.0\n")
    assert (config.chain.distractors, config.chain.irrelevance_rate) == ((0, 9), 0.0)
