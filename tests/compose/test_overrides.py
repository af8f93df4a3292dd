"""What is given on the command line: where it may stand, and what is checked before the first run."""

import pytest
from tiny import composed

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import prepare


@pytest.mark.parametrize("given", ["optimizer.options={amsgrad:true}", "optimizer.options.amsgrad=true"])
def test_arguments_of_pytorchs_optimizers_need_no_plus(given):
    config = composed("optimizer=torch", "optimizer.name=Adam", given)
    assert config.optimizer.options == {"amsgrad": True}
    assert compose_config(["optimizer=torch", "optimizer.name=Adam", given]).optimizer.options == {"amsgrad": True}


@pytest.mark.parametrize("override", ["model=[two_layer,three_layer]", "model=choice(two_layer,three_layer)"])
def test_what_hydra_reads_itself_is_left_to_it(override):
    given = [override, "hydra.sweep.dir=x", "learning_rate=range(1,3)", "output=${oc.env:HOME}/x", "~optimizer.options"]
    assert prepare(given, is_sweep=True) == given


@pytest.mark.parametrize("override", ["model=two_layer,three_layr", "rule=printd,eq18"])
def test_every_choice_of_a_sweep_is_checked_before_the_first_run(override):
    with pytest.raises(UserError, match="did you mean"):
        prepare([override], is_sweep=True)
