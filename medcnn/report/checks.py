"""The checklist: what has to hold before the chosen model's figures are believed, each with a verdict and a figure."""

from __future__ import annotations

from collections.abc import Iterator

from medcnn.params.judging.benchmark import Limits
from medcnn.report.aims import aims
from medcnn.report.baseline import FEWEST_GROUPS, baseline
from medcnn.report.check import EXTERNAL, Check, Verdict, check, interval
from medcnn.report.claims import Claims
from medcnn.report.facts import Facts
from medcnn.report.luck import luck
from medcnn.report.provenance import Provenance
from medcnn.results.data import Split
from medcnn.results.evaluated import Evaluated, Membership
from medcnn.results.external import External
from medcnn.results.measured import Calibration, Measured
from medcnn.results.networks import Exported, Gallery

WIDE = 0.1
"""An interval of accuracy wider than this cannot tell a good model from a fair one."""
CALIBRATED_ECE, MISLEADING_ECE = 0.05, 0.15
"""Up to where probabilities are called calibrated, and from where they mislead."""
GIVEN_AWAY = 0.6
"""The AUROC of membership from which a model is said to give its training images away, where it is beyond chance."""
SAME_PROBABILITIES = 1e-4
"""What rounding may change in a probability from one engine to another."""
SHORTCUT = "shortcuts"
"""How the kinds of doubts about an attribute that gives a class away begin."""


def checklist(facts: Facts) -> list[Check]:
    """Every check that the study has something to say about, in the order of the page's sections."""
    chosen = facts.evaluated[facts.best]
    return [
        *_of_data(facts.data),
        *_of_claims(facts.claims),
        *_of_figures(chosen, facts.several),
        _of_seeds(facts),
        *_of_calibration(chosen.calibration),
        *_of_aims(facts),
        *_of_maps(facts.explained),
        *_of_membership(chosen.membership),
        *(of for name, found in facts.external.items() for of in _of_external(name, found, facts.best)),
        *_of_export(facts.exported.get(facts.best), facts.limits),
    ]


def of_provenance(made: Provenance | None) -> Check:
    """Whether the page can be made again from a commit; of the page alone, as a commit cannot know itself."""
    if made is None:
        return check("reproduced", "warn", "made outside a git repository, so no commit gives this page", "reproduce")
    text = f"made at commit {made.commit[:12]}"
    if made.changed:
        return check("reproduced", "warn", f"{text} with changed files: {len(made.changed)}", "reproduce")
    if made.reproduction is None or not made.reproduction.known:
        text += "; whether another computer gets the same bytes is not known"
        return check("reproduced", "pass", text, "reproduce")
    verdict: Verdict = "warn" if made.reproduction.differing else "pass"
    return check("reproduced", verdict, f"{text}; same results: {made.reproduction.verdict}", "reproduce")


def _of_data(data: Split) -> Iterator[Check]:
    yield _leaks(data)
    yield _patients(data)
    shortcuts = [doubt for doubt in data.warnings if doubt.kind == SHORTCUT]
    yield (
        check("shortcuts", "warn", "; ".join(doubt.text for doubt in shortcuts), "data")
        if shortcuts
        else check("shortcuts", "pass", "no attribute of the files that was looked at gives a class away", "data")
    )
    others = [doubt for doubt in data.warnings if doubt not in shortcuts]
    if others:
        kinds = ", ".join(dict.fromkeys(doubt.kind.replace("_", " ") for doubt in others))
        yield check("images", "warn", f"doubtful about the images: {kinds}", "data")


def _of_claims(claims: Claims | None) -> Iterator[Check]:
    if claims is not None:
        yield check("careless", "none", claims.sentence, "careless")


def _leaks(data: Split) -> Check:
    leaked, held_out = data.leak.this_split, data.leak.held_out_images
    if leaked:
        text = f"{leaked} of {held_out} validation and test images have a relative in an earlier part"
        return check("leaks", "fail", f"{text}: the figures are flattered", "data")
    before, of = data.leaked_before_repair
    repaired = f"; {before} of {of} had one before the repair" if before else ""
    text = f"0 of {held_out} validation and test images have a known relative in an earlier part{repaired}"
    return check("leaks", "pass", text, "data")


def _patients(data: Split) -> Check:
    if data.without_patient:
        text = f"patients are unknown for {data.without_patient} of {data.used} images: one may lie in two parts"
        return check("patients", "warn", text, "data")
    return check("patients", "pass", f"the patient of every image is known; patients: {data.patients or 0}", "data")


def _of_figures(chosen: Evaluated, several: bool) -> Iterator[Check]:
    test = chosen.test
    least = baseline(test, several)
    if least is None:
        yield check("groups", "fail", "there are no test images", "data")
        return
    yield _groups(test, least.key)
    guess = f"always answering {least.label}" if least.label else "guessing"
    name = "accuracy" if least.key == "accuracy" else "mean AUROC"
    yours = f"{name} {interval(test, least.key)}, {guess} has {least.value:.3f}"
    if least.beaten_by(test):
        yield check("baseline", "pass", yours, "ranking")
    else:
        higher = (test.get(least.key) or 0) > least.value
        yield check("baseline", "warn" if higher else "fail", f"no better than {guess}: {yours}", "ranking")


def _groups(test: Measured, key: str) -> Check:
    """Whether there are enough independent groups to know the figure by which models are ranked."""
    low, high = test.get(f"{key}_low"), test.get(f"{key}_high")
    counted = f"independent groups on test: {test.groups}"
    if test.groups < FEWEST_GROUPS or low is None or high is None:
        return check("groups", "fail", f"{counted}, too few to measure anything on", "ranking")
    name = "accuracy" if key == "accuracy" else "mean AUROC"
    wide = high - low > WIDE
    text = f"{counted}; {name} is known to lie within {low:.3f} and {high:.3f}"
    return check("groups", "warn" if wide else "pass", text, "ranking")


def _of_seeds(facts: Facts) -> Check:
    """How far the leading figure moves with the seed, beside the interval that other patients would move it in."""
    found, test = luck(facts), facts.evaluated[facts.best].test
    if found is None:
        text = "trained with one seed: run.seeds=[0,1,2] with run.seeded=[] says how much of a figure is luck"
        return check("seeds", "warn", text, "methods")
    key = "auroc" if facts.several else "accuracy"
    text = f"{found.words}; that of seed 0 is {interval(test, key)}"
    below, above = test.get(f"{key}_low"), test.get(f"{key}_high")
    outside = below is None or above is None or found.low < below or found.high > above
    return check("seeds", "warn" if outside or found.once else "pass", text, "crossval")


def _of_calibration(block: Calibration) -> Iterator[Check]:
    ece = block.get("ece")
    if ece is None:
        return
    text = f"expected calibration error {interval(block, 'ece')} after temperature {block.temperature:.3g}"
    before, after = (of.get("cross_entropy_high") for of in (block.before, block))
    if before is not None and after is not None and after > before:
        text += (
            f"; the upper end of cross-entropy rises from {before:.3f} to {after:.3f}: errors are surer of themselves"
        )
        yield check("calibration", "fail" if ece > MISLEADING_ECE else "warn", text, "calibration")
    else:
        verdict: Verdict = "pass" if ece <= CALIBRATED_ECE else "fail" if ece > MISLEADING_ECE else "warn"
        yield check("calibration", verdict, text, "calibration")


def _of_membership(found: Membership | None) -> Iterator[Check]:
    """How well its loss distinguishes training images, before the model is handed on."""
    if found is None or found.auroc is None:
        return
    given_away = found.auroc > GIVEN_AWAY and found.auroc_low is not None and found.auroc_low > 0.5
    text = f"training images are distinguished from test images by the loss with an AUROC of {interval(found, 'auroc')}"
    yield check("membership", "warn" if given_away else "pass", f"{text}; 0.5 is chance", "membership")


def _of_aims(facts: Facts) -> Iterator[Check]:
    wanted, found = facts.judged.operating_point, aims(facts)
    if not found:
        return
    held = sum(aim.reached == "reached" for aim in found)
    text = f"fitted for a {wanted.kind} of {wanted.value:g} on validation, reached on test for {held} of {len(found)}"
    for how in ("missed", "below, within chance"):
        if short := [aim.words for aim in found if aim.reached == how]:
            text += f"; {how}: {', '.join(short)}"
    yield check("operating", "warn" if any(aim.reached == "missed" for aim in found) else "pass", text, "tradeoff")


def _of_external(name: str, found: External, chosen: str) -> Iterator[Check]:
    tested = found.models[chosen]
    change = tested.change["accuracy"]
    text = f"accuracy on {name} {interval(tested.external.figures, 'accuracy')}"
    if change.difference is None:
        return
    worse = change.beyond_chance and change.difference < 0
    text += f", {change.difference:+.3f} against test{'' if change.beyond_chance else ', within chance'}"
    yield check(f"{EXTERNAL}{name}", "warn" if worse else "pass", text, "external")


def _of_maps(explained: Gallery | None) -> Iterator[Check]:
    occlusion = explained.methods.get("occlusion") if explained else None
    if explained is None or occlusion is None or occlusion.inside is None or explained.body is None:
        return
    text = f"{occlusion.inside:.1%} of the heat lies inside the body, which is {explained.body:.1%} of an image"
    yield check("heat", "pass" if occlusion.inside > explained.body else "warn", text, "galleries")


def _of_export(exported: Exported | None, limits: Limits) -> Iterator[Check]:
    if exported is None:
        return
    parity = exported.parity
    differing = round((1 - parity.argmax_agreement) * parity.images)
    same = differing <= parity.undecided and parity.max_difference <= SAME_PROBABILITIES
    agree = f"{parity.images - differing} of {parity.images} test images get the same answer from ONNX as from Keras"
    text = f"{agree}; the largest difference of a probability is {parity.max_difference:.1g}"
    yield check("export", "pass" if same else "fail", text, "latency")
    yield _int8(exported, limits)


def _int8(exported: Exported, limits: Limits) -> Check:
    cost = exported.int8.validation
    drop, rise = cost.accuracy_drop, cost.cross_entropy_rise
    if drop is None or rise is None:
        return check("int8", "warn", "there are no validation images to judge the int8 file on", "latency")
    within = drop <= limits.max_accuracy_drop and rise <= limits.max_cross_entropy_rise
    text = f"accuracy {round(-drop, 3) + 0.0:+.3f} and cross-entropy {rise:+.3f} on validation, against float32"
    return check("int8", "pass" if within else "warn", text, "latency")
