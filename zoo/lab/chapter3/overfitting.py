"""Overfitting, and L2 regularization against it, with few images and with all of them."""

from __future__ import annotations

import zoo
from zoo.lab.chapter3.epochs import (
    ACCURACY,
    TEST_ACCURACY,
    VALIDATION_ACCURACY,
    compared,
    draw_panels,
    follow,
    left_out,
    panel,
    short,
    spread,
    validated,
)
from zoo.lab.core.experiment import Check, Context, Result, check_close, experiment

# With 1,000 images, in the fast form: enough for the test cost to have risen again.
FEW_EPOCHS = 80


def thousand(context: Context, name: str) -> dict[str, list[float]]:
    """The monitors of a network trained on 1,000 images; in the fast form for fewer epochs."""
    spec = zoo.get_spec(name)
    return follow(
        context, spec.with_settings(epochs=context.choose(spec.recipe.epochs, FEW_EPOCHS))
    )


@experiment("ch3_overfit_1000", "Overfitting with 1,000 training images", draw=draw_panels)
def overfit_1000(context: Context) -> Result:
    """The training cost keeps falling while the network learns nothing more about test images.

    The book's four plots of section 3.2, "Overfitting": training cost, test accuracy, test cost and
    training accuracy.
    """
    found = thousand(context, "mlp30.overfit_1000")
    cost, accuracy = found["training cost"], found["test accuracy"]
    test_cost, training = found["test cost"], found["training accuracy"]
    lowest = test_cost.index(min(test_cost))
    rise = test_cost[-1] / test_cost[lowest]
    panels = [
        panel(
            "training cost", {"lambda = 0": cost}, first=200, marks=[(200, 0.0097), (399, 0.0042)]
        ),
        panel(
            TEST_ACCURACY, {"lambda = 0": accuracy}, first=200, marks=[(374, 82.27), (399, 82.23)]
        ),
        panel("test cost", {"lambda = 0": test_cost}, marks=[(14, 1.203), (399, 1.773)]),
        panel("training accuracy (%)", {"lambda = 0": training}, marks=[(67, 100)]),
    ]
    checks = (
        compared(context, "test accuracy, best epoch, %", max(accuracy), 82.27, spread(0.42)),
        check_close("training accuracy, best epoch, %", max(training), 100.0, within=0.0),
        Check("epoch of that", training.index(max(training)), 67),
        Check("lowest test cost", round(min(test_cost), 3), 1.203),
        Check("epoch of that", lowest, 14),
        # What the figure is about: from there on it rises.
        Check("last test cost over the lowest", round(rise, 3), 1.474, rise > 1.05),
    )
    return Result({"panels": panels}, checks, left_out(context, 400, FEW_EPOCHS))


@experiment("ch3_overfit_50000", "Overfitting with all training images", draw=draw_panels)
def overfit_50000(context: Context) -> Result:
    """With 50,000 images training and test accuracy stay much closer (section 3.2)."""
    found = follow(context, short(context, "mlp30.cross_entropy"))
    training, test = found["training accuracy"], found["test accuracy"]
    few = thousand(context, "mlp30.overfit_1000")
    curves = {"training images": training, "test images": test}
    checks = (
        compared(context, "training accuracy, best epoch, %", max(training), 97.86, spread(0.18)),
        compared(context, "test accuracy, best epoch, %", max(test), 95.33, spread(0.18)),
        compared(context, "their distance", max(training) - max(test), 2.53, spread(0.18)),
        compared(
            context,
            "the same with 1,000 images",
            max(few["training accuracy"]) - max(few["test accuracy"]),
            17.73,
            spread(0.42),
        ),
    )
    remark = "The book prints a distance of 1.53; its own two figures differ by 2.53. "
    marks = [(29, 97.86), (24, 95.33)]
    remark += left_out(context)
    return Result({"panels": [panel(ACCURACY, curves, marks=marks)]}, checks, remark)


@experiment("ch3_l2_1000", "L2 regularization with 1,000 images", draw=draw_panels)
def l2_1000(context: Context) -> Result:
    """With lambda = 0.1 the test accuracy goes on rising where it had stalled (section 3.2)."""
    with_l2, without = (thousand(context, f"mlp30.{name}") for name in ("l2_1000", "overfit_1000"))
    cost, accuracy = with_l2["training cost"], with_l2["test accuracy"]
    curves = {"lambda = 0.1": accuracy, "lambda = 0": without["test accuracy"]}
    panels = [
        panel(
            "training cost", {"lambda = 0.1": cost}, first=200, marks=[(200, 0.2587), (399, 0.1154)]
        ),
        panel(TEST_ACCURACY, curves, first=200, marks=[(383, 87.10), (399, 86.95)]),
    ]
    gain = accuracy[-1] - without["test accuracy"][-1]
    checks = [
        compared(context, "test accuracy, best epoch, %", max(accuracy), 87.10, spread(0.44)),
        Check("what regularization gains in the last epoch", round(gain, 2), 4.72, gain > 0),
    ]
    if not context.fast:
        checks += [
            Check("training cost at epoch 200", round(cost[200], 4), 0.2587),
            Check("training cost at epoch 399", round(cost[399], 4), 0.1154),
        ]
    return Result({"panels": panels}, tuple(checks), left_out(context, 400, FEW_EPOCHS))


@experiment("ch3_l2_50000", "L2 regularization with all images", draw=draw_panels)
def l2_50000(context: Context) -> Result:
    """With lambda = 5 the test accuracy rises, and overfitting nearly goes away (section 3.2)."""
    with_l2 = follow(context, short(context, "mlp30.l2"))
    without = follow(context, short(context, "mlp30.cross_entropy"))
    training, test = with_l2["training accuracy"], with_l2["test accuracy"]
    curves = {
        "training images": training,
        "test images": test,
        "test images, lambda = 0": without["test accuracy"],
    }
    checks = (
        compared(context, "test accuracy, best epoch, %", max(test), 96.49, spread(0.10)),
        compared(context, "training accuracy, best epoch, %", max(training), 97.12, spread(0.10)),
        compared(
            context,
            "test accuracy without, best epoch, %",
            max(curves["test images, lambda = 0"]),
            95.49,
            spread(0.18),
        ),
    )
    marks = [(28, 96.49), (29, 95.61)]
    data = {"panels": [panel(ACCURACY, curves, marks=marks)]}
    return Result(data, checks, left_out(context))


@experiment("ch3_l2_100h", "L2 regularization with 100 hidden neurons", draw=draw_panels)
def l2_100h(context: Context) -> Result:
    """A larger network, regularized, does better still: 30 epochs at eta = 0.5 (section 3.2)."""
    remark = "A Chinese printing has 97.02, which fits neither the figure beside it nor our runs. "
    return _hundred(context, "mlp100.l2", 97.92, 0.10, remark)


@experiment("ch3_l2_100h_60ep", "The best network of chapter 3", draw=draw_panels)
def l2_100h_60ep(context: Context) -> Result:
    """60 epochs at eta = 0.1 take the same network past 98 % (section 3.2)."""
    return _hundred(context, "mlp100", 98.04, 0.07, "")


def _hundred(context: Context, name: str, book: float, deviation: float, remark: str) -> Result:
    spec = short(context, name)
    accuracy = validated(context, spec)
    label = f"eta = {spec.recipe.learning_rate}, lambda = 5"
    panels = [panel(VALIDATION_ACCURACY, {label: accuracy}, levels=[book])]
    what = "validation accuracy, best epoch, %"
    checks = (compared(context, what, max(accuracy), book, spread(deviation)),)
    remark += left_out(context, zoo.get_spec(name).recipe.epochs)
    return Result({"panels": panels}, checks, remark)
