"""Published: set what the studies published beside what is measured here, from the metrics on disk.

No DVC stage: each of its two measured columns comes from a run of its own, and its files are committed like the docs.
"""

from medcnn.core import files
from medcnn.params.shared.loading import load
from medcnn.published import document, measured, studies
from medcnn.published.settings import Settings
from medcnn.published.table import Table, read, table
from medcnn.runtime import paths
from stages import run_stage


def main() -> None:
    settings = load(Settings)
    tables = []
    for study, as_published in studies.load().items():
        earlier, fresh = read(study), measured.on_disk(study, as_published.best_here)
        columns = measured.merged(earlier.measured if earlier else {}, fresh)
        tables.append(table(study, as_published, columns, settings))
        print(summary(tables[-1], earlier))
    for written in tables:
        files.write_json(paths.metrics("published", written.study), written.model_dump(mode="json"))
    files.write_text(paths.PUBLISHED, document.document(tables))
    print(f"tables: {paths.PUBLISHED}")


def summary(now: Table, earlier: Table | None) -> str:
    columns = [f"{name}: {len(column.figures)} models" for name, column in now.measured.items()]
    dropped = set(earlier.measured if earlier else ()) - set(now.measured)
    columns += [f"{name}: dropped, for it was measured on other raw data" for name in sorted(dropped)]
    return f"{now.study}: {'; '.join(columns) or 'not measured'}"


if __name__ == "__main__":
    run_stage(main)
