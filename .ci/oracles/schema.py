"""The JSON Schema of job files, by PyPI's jsonschema: it is the program's own, and every job and every example of the docs fits it."""

import json
import re
import sys
import tomllib

import jsonschema

import shop

DOCS = ["README.md", "docs/job-file.md", "docs/templates.md"]


def plain(value):
    """What TOML says in JSON's types: days and times are texts."""
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [plain(inside) for inside in value]
    return value if isinstance(value, (str, int, float, bool)) else value.isoformat()


def examples():
    """Name and text of every job file and of every TOML block of the docs."""
    for path in sorted((shop.ROOT / "jobs").glob("*.toml")):
        yield path.name, path.read_text()
    for name in DOCS:
        for number, block in enumerate(re.findall(r"(?ms)^```toml\n(.*?)^```", (shop.ROOT / name).read_text()), 1):
            yield f"{name}, block {number}", block


def faults(schema, text):
    """What is wrong with a job. A block of the docs that is no whole job may lack tables, but not have wrong ones."""
    job = plain(tomllib.loads(text))
    whole = "name" in job and "mail" in job
    for fault in jsonschema.Draft202012Validator(schema).iter_errors(job):
        if whole or fault.validator != "required" or fault.path:
            yield f"{'/'.join(map(str, fault.path))}: {fault.message}"


def main():
    schema = json.loads((shop.ROOT / "docs/job.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    if json.loads(shop.rankmail("check", "--schema")) != schema:
        sys.exit("docs/job.schema.json is not what `rankmail check --schema` prints")
    wrong = checked = 0
    for name, text in examples():
        found = list(faults(schema, text))
        checked += 1
        wrong += bool(found)
        if found:
            print(f"{name}: {'; '.join(found[:5])}")

    # A schema that lets everything pass would be of no use.
    job = plain(tomllib.loads(shop.MONTHLY.read_text()))
    for broken in ({"nmae": "x"}, {"ranks": {"clsing": "month"}}, {"currency": 5}, {"campaign": [{"name": "x"}]}):
        if jsonschema.Draft202012Validator(schema).is_valid(job | broken):
            print(f"{broken} passes the schema")
            wrong += 1
    print(f"schema: {checked} jobs and examples, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
