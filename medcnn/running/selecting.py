"""What a run of one study covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

from medcnn.core.choices import offer
from medcnn.core.errors import ParamsError
from medcnn.params.catalogue import catalogue
from medcnn.params.changes import Lists, Values, covering
from medcnn.params.shared.run import chain, distilled, fold_ensemble, links
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.results.base import read
from medcnn.results.evaluated import Evaluated
from medcnn.running.presets import PRESETS
from medcnn.runtime import paths

_KEPT = ("stress", "external", "learning_curve")
"""Of these the page keeps the files of what ``run`` lists, and no others."""

PROBE = "probe_lite0"
"""The cheapest model of ``params.yaml``."""


def covered(study: str, names: Sequence[str], preset: str | None, settings: Params) -> Values:
    """What a run of one study sets: see ``chosen``; and what a preset sets beside its models.

    Args:
        study: its name.
        names: the models that the user names, none with a preset.
        preset: a name of ``PRESETS``.
        settings: the whole of ``params.yaml``.
    """
    if preset is None:
        return chosen(study, names, settings)
    what = PRESETS[preset]
    changes: dict[str, Sequence[str | int] | float] = {**chosen(study, what.models, settings)}
    # A probe is trained again in seconds.
    changes["run.careless"] = [name for name in what.models if settings.models[name].head == "probe"][:1]
    block = settings.studies[study]
    changes["run.fold_ensembles"] = what.fold_ensembles
    if what.all_folds:
        changes["run.folds"] = block.split.fold_numbers
    if what.combiners:
        changes["ensemble.combiners"] = what.combiners
    if block.labels.multi_label:
        # Findings are no shares of one label.
        smoothed = [name for name in what.models if settings.models[name].label_smoothing]
        changes |= {f"models.{name}.label_smoothing": 0.0 for name in smoothed}
    return changes


def with_learning_curve(changes: Values, settings: Params) -> Values:
    """What a run sets, and the learning curve of its cheapest model: a probe, or else a frozen network.

    Where it trains neither, a probe is added.

    Args:
        changes: what it sets, see ``covered``.
        settings: the whole of ``params.yaml``.
    """
    models = [str(name) for name in changes["run.models"]] if isinstance(changes["run.models"], Sequence) else []
    probes = [name for name in models if settings.models[name].head == "probe"]
    frozen = [name for name in models if settings.models[name].frozen]
    (cheapest, *_) = (*probes, *frozen, PROBE)
    return {**changes, "run.models": [*dict.fromkeys([*models, cheapest])], "run.learning_curve": [cheapest]}


def contrasted(study: str, names: Sequence[str], settings: Params) -> Lists:
    """What a run sets that trains models on a plain random split beside the study's own, and no more than that.

    Args:
        study: its name.
        names: the models that the user names; those of ``run.careless`` where empty.
        settings: the whole of ``params.yaml``.

    Raises:
        ParamsError: there is no such study or model, none of the models fits, or one of them is several.
    """
    changes = chosen(study, names or _fitting(settings.run.careless, study, settings), settings)
    if changes["run.chains.first"] or changes["run.fold_ensembles"]:
        raise ParamsError("--models: only single models are trained on a random split; name models of params.yaml")
    return {
        **changes,
        "run.careless": changes["run.models"],
        "run.folds": [0],
        "run.seeds": [0],
        "run.stress": [],
        "run.learning_curve": [],
    }


def chosen(study: str, names: Sequence[str], settings: Params) -> Lists:
    """What a run of one study sets: its models, and of the other lists of ``run`` what fits it.

    Args:
        study: its name.
        names: the models that the user names; those of ``run`` where empty, without those that take no images so small.
        settings: the whole of ``params.yaml``.

    Raises:
        ParamsError: there is no such study or model, or none of the models fits.
    """
    block = _study(study, settings)
    wanted = names or _fitting(settings.run.trained, study, settings)
    if not wanted:
        raise ParamsError(
            f"params.yaml: studies.{study}.images.size: {block.images.size} is too small for every model of "
            "run.models; raise it, or name other models by --models"
        )
    changes = covering(study, wanted, settings.models)
    # A chain stands on a model of the run.
    changes["run.models"] = list(dict.fromkeys([*changes["run.models"], *changes["run.chains.first"]]))
    folds = [fold for fold in settings.run.folds if fold in block.split.fold_numbers]
    stressed, curves = (
        [name for name in names if name in wanted] for names in (settings.run.stress, settings.run.learning_curve)
    )
    fitting = {"run.external": [], "run.stress": stressed, "run.learning_curve": curves}
    changes |= {"run.folds": folds or [0], **fitting}
    seeded = settings.run.seeded
    if seeded and not {*changes["run.models"], *names} & {*seeded}:
        # Of models that are trained with one seed alone nothing is made with the others.
        changes["run.seeds"] = [0]
    return changes


def measured(study: str, settings: Params) -> Values:
    """What a run set, or would have set, of which the results of a study here are.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: it has no results here.
    """
    _study(study, settings)
    evaluated = read(paths.metrics("evaluate", study), dict[str, Evaluated])
    single = {*settings.models, *(chain(*pair) for pair in permutations(settings.models, 2))}
    of_folds = {suffixed for name in settings.models for suffixed in (fold_ensemble(name), distilled(name))}
    names = [name for name in evaluated if name in single | of_folds]
    made = {key: sorted(path.stem for path in paths.metrics_folder(key, study).glob("*.json")) for key in _KEPT}
    return {**covering(study, names, settings.models), **{f"run.{key}": names for key, names in made.items()}}


def _study(name: str, settings: Params) -> Study:
    if name in settings.studies:
        return settings.studies[name]
    raise ParamsError(
        f"params.yaml: no study '{name}': {offer(name, settings.studies)}; `medcnn init SOURCE {name}` makes one of "
        "your images"
    )


def _fitting(names: Iterable[str], study: str, settings: Params) -> list[str]:
    """The models, chains and fold ensembles whose first network takes images of the size of a study's."""
    size, models = _study(study, settings).images.size, settings.models
    smallest = {name: catalogue().backbones[model.backbone].smallest for name, model in models.items()}
    first = {name: next(filter(None, links(name, models))) for name in names}
    return [name for name in first if smallest[first[name]] <= size]
