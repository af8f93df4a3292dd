"""What is given on the command line: where it may stand, and what is checked before the first run."""

import pytest
from tiny import composed

from letterocr.base.errors import UserError
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import check_keys, put_overrides_first


def test_overrides_may_stand_on_both_sides_of_an_option():
    assert put_overrides_first(["a=1", "-m", "b=2", "~c", "--config-dir=x", "--cfg", "job"]) == [
        *["a=1", "b=2", "~c"],
        *["-m", "--config-dir=x", "--cfg", "job"],
    ]


@pytest.mark.parametrize("given", ["optimizer.options={amsgrad:true}", "optimizer.options.amsgrad=true"])
def test_arguments_of_pytorchs_optimizers_need_no_plus(given):
    config = composed("optimizer=torch", "optimizer.name=Adam", given)
    assert config.optimizer.options == {"amsgrad": True}
    assert compose_config(["optimizer=torch", "optimizer.name=Adam", given]).optimizer.options == {"amsgrad": True}


@pytest.mark.parametrize(
    "override",
    ["model=two_layer,three_layer", "model=glob(*)", "model=choice(two_layer,three_layer)", "experiment=null"],
)
def test_what_hydra_reads_itself_is_left_to_it(override):
    check_keys([override, "hydra.sweep.dir=x", "-m", "--cfg", "job", "learning_rate=range(1,3)"])


@pytest.mark.parametrize("override", ["model=two_layer,three_layr", "rule=printd,eq18"])
def test_every_choice_of_a_sweep_is_checked_before_the_first_run(override):
    with pytest.raises(UserError, match="did you mean"):
        check_keys([override])
