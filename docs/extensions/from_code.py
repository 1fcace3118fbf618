"""Tables in the documentation that are written by the code itself, so that they cannot go out of date.

Directives: ``parameter-table``, ``variable-table``, ``process-table``, ``command-line``, ``therapy-table``,
``therapy-inputs``, ``drug-table``.
Role: ``default`` shows the default of a parameter, as in {default}`activation.debt_fade_days`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

from trabsim.params import Params


def cell(text: object) -> str:
    """Text that is safe in a cell of a Markdown table; a DOI or PubMed number becomes a link."""
    safe = " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    linked = re.sub(r"doi:(10\.\d{4,9}/[^\s,;]+[^\s,;.:)])", r"[doi:\1](https://doi.org/\1)", safe)
    return re.sub(r"PMID (\d+)", r"[PMID \1](https://pubmed.ncbi.nlm.nih.gov/\1)", linked)


def code(text: object) -> str:
    """A literal in a cell of a Markdown table."""
    return f"`{text}`".replace("|", "\\|")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def parameter_tables() -> dict[str, type[Params]]:
    """The tables of a configuration, by name."""
    from trabsim.config import Config, OutputParams
    from trabsim.mechanics.loads import LoadProgram
    from trabsim.model import ProcessParams
    from trabsim.therapy.registry import BUILT_IN, therapy_class
    from trabsim.therapy.schedule import TherapyParams

    own = {n: f for n, f in Config.model_fields.items() if n not in {"process", "output", "therapy", "drug"}}
    classes = {n: f.annotation for n, f in {**own, **ProcessParams.model_fields}.items()}
    lists = {"mechanics.program": LoadProgram, "therapy": TherapyParams, "output": OutputParams}
    drugs = {f"drug.{kind}": therapy_class(kind).params_class for kind in BUILT_IN}
    return {**classes, **lists, **{n: cls for n, cls in drugs.items() if cls.model_fields}}  # type: ignore[dict-item]


def limits(metadata: list[Any]) -> str:
    """Bounds as mathematics, e.g. ``> 0, <= 1``."""
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = [
        f"{sign} {value:g}"
        for m in metadata
        for n, sign in signs.items()
        if (value := getattr(m, n, None)) is not None
    ]
    return ", ".join(found)


def shown(value: Any) -> str:
    """A default as a configuration would write it."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_markdown(only: str = "") -> str:
    """One section per table of the configuration, or the rows of one of them."""
    parts = []
    for name, cls in parameter_tables().items():
        if only and name != only:
            continue
        rows = [
            (
                code(key),
                cell(shown(info.default)),
                cell(limits(info.metadata)),
                cell(info.description),
                cell((info.json_schema_extra or {}).get("source", "")),  # type: ignore[union-attr]
            )
            for key, info in cls.model_fields.items()
        ]
        brackets = f"[[{name}]]" if name in {"output", "therapy"} else f"[{name}]"
        title = [] if only else [f"## `{brackets}`", ""]
        parts += [*title, table(("parameter", "default", "limits", "meaning", "source"), rows), ""]
    return "\n".join(parts)


def variable_markdown() -> str:
    """Everything a state holds."""
    from trabsim.state import VARIABLES

    rows = [
        (
            code(v.name),
            v.dims,
            v.dtype,
            cell(v.unit),
            cell(v.meaning),
            code(v.name_in_files) if v.checkpointed else "–",
        )
        for v in VARIABLES
    ]
    return table(("variable", "per", "type", "unit", "meaning", "in the file"), rows)


def process_markdown() -> str:
    """The day, in order."""
    from trabsim.backends import get_backend
    from trabsim.config import load_config
    from trabsim.model import OPTIONAL, build_processes

    rows = []
    for number, p in enumerate(build_processes(load_config("postmenopause"), get_backend("numpy")), 1):
        summary = (type(p).__doc__ or "").strip().splitlines()[0]
        names = [", ".join(code(n) for n in group) or "–" for group in (p.reads, p.writes)]
        references = "; ".join(cell(r) for r in p.references)
        switch = " (optional)" if p.name in OPTIONAL else ""
        every = "day" if p.every.days == 1 else f"{p.every.days} days"
        rows.append((str(number), code(p.name) + switch, cell(summary), every, *names, references))
    return table(("", "process", "does", "every", "reads", "writes", "references"), rows)


def therapy_markdown() -> str:
    """Every therapy: what it sets, where it reaches cells, on what evidence."""
    from trabsim.therapy.registry import BUILT_IN, therapy_class

    rows = []
    for kind in BUILT_IN:
        cls = therapy_class(kind)
        unit = next(iter(cls.units), "")
        dose = cls.label_dose / cls.units.get(unit, 1.0)
        days = "" if not cls.repeated or cls.delivered_per_day else f" / {cls.label_every_days:g} d"
        names = [", ".join(code(n) for n in group) or "–" for group in (cls.sets, cls.enters)]
        first = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append((code(kind), cell(first), f"{dose:g} {unit}{days}", *names, cls.evidence))
    return table(("kind", "is", "usual dose up to", "sets", "reaches cells by", "evidence"), rows)


def input_markdown() -> str:
    """Every level that a therapy may set."""
    from trabsim.therapy.inputs import INPUTS

    rows = [
        (code(name), f"{line.default:g}", line.unit, cell(line.meaning), line.together)
        for name, line in INPUTS.items()
    ]
    return table(("level", "without drug", "unit", "meaning", "two drugs"), rows)


def drug_markdown() -> str:
    """Pharmacokinetics of every drug, with sources."""
    rows = [
        (
            code(f"{name}.{key}"),
            cell(shown(info.default)),
            cell(info.description),
            cell(info.json_schema_extra["source"]),
        )  # type: ignore[index,call-overload]
        for name, cls in parameter_tables().items()
        if name.startswith("drug.")
        for key, info in cls.model_fields.items()
    ]
    return table(("parameter", "default", "meaning", "source"), rows)


def commands() -> Iterator[tuple[str, Any]]:
    """Commands of the command line by their full name."""
    import click

    from trabsim.cli import main

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        if isinstance(command, click.Group):
            for part in command.list_commands(click.Context(command)):
                yield from below(f"{name} {part}", command.commands[part])

    yield from below("trabsim", main)


def command_markdown() -> str:
    """What each command does, takes and offers."""
    import click

    parts = []
    for name, command in commands():
        usage = " ".join([name, *command.collect_usage_pieces(click.Context(command))])
        help_text = "\n\n".join(cell(part) for part in (command.help or "").split("\n\n"))
        parts += [f"## `{name}`", "", help_text, "", "```text", usage, "```", ""]
        rows = []
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                value = "" if option.is_flag else f" {option.make_metavar(click.Context(command))}"
                spelled = ", ".join(code(o + value) for o in (*option.opts, *option.secondary_opts))
                rows.append((spelled, cell(option.help or "")))
        if rows:
            parts += [table(("option", "meaning"), rows), ""]
    return "\n".join(parts)


def directive(write: Callable[..., str], arguments: int = 0) -> type[SphinxDirective]:
    """A directive whose content is the Markdown that `write` returns."""

    class FromCode(SphinxDirective):
        optional_arguments = arguments

        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes(write(*self.arguments), allow_section_headings=True)

    return FromCode


class DefaultRole(SphinxRole):
    """Default of a parameter: ``table.name``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        section, name = self.text.rsplit(".", 1)
        value = parameter_tables()[section].model_fields[name].default
        shows = nodes.literal(text=shown(value), classes=["default"])
        shows["title"] = self.text
        return [shows], []


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("parameter-table", directive(parameter_markdown, 1))
    app.add_directive("variable-table", directive(variable_markdown))
    app.add_directive("process-table", directive(process_markdown))
    app.add_directive("therapy-table", directive(therapy_markdown))
    app.add_directive("therapy-inputs", directive(input_markdown))
    app.add_directive("drug-table", directive(drug_markdown))
    app.add_directive("command-line", directive(command_markdown))
    app.add_role("default", DefaultRole())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
