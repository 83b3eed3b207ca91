"""Views as networks see them: augmented, in the dataset's colour space, normalised, in the layout of the network.

A GPU is given this as some kernels that torch's compiler writes: launched one by one, the operations would take longer
to start than to compute. The plain operations, which a CPU computes, are their reference: both agree to 1e-5. With
`TORCH_COMPILE_DISABLE=1` in the environment a GPU computes the plain operations too.
"""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

from entrec.data.inputs import NetworkInputs
from entrec.data.reasons import reason
from entrec.data.view_parameters import ViewParameters
from entrec.data.views import altered, cropped, way_on
from entrec.errors import UserError

Function = Callable[..., Tensor]


def network_views(
    pixels: Tensor | Sequence[Tensor],
    parameters: ViewParameters,
    size: int,
    inputs: NetworkInputs,
    layout: torch.memory_format,
) -> Tensor:
    """Return k views of each of n images, (k n, c, size, size): the first view of every image, then the second.

    `pixels` are uint8 (n, h, w, c): one array of images of one size for all views, or one for each of the k views, cut
    out of images of all sizes. `parameters` are (k n,). Raises `UserError` where the compiler fails.
    """
    run = _compiled if parameters.top.is_cuda else _plain
    if isinstance(pixels, Tensor):
        return run(_whole)(pixels, parameters, size, inputs, layout)
    # Cuts have another size in each batch. The compiler would begin anew for each, or write kernels for all sizes that
    # suit the first one, which is another one in a run that is resumed: with other bits.
    each = parameters.split(len(pixels))
    crops = torch.cat([cropped(images, one, size) for images, one in zip(pixels, each, strict=True)])
    return run(_finished)(crops, parameters, inputs, layout)


def _whole(
    pixels: Tensor, parameters: ViewParameters, size: int, inputs: NetworkInputs, layout: torch.memory_format
) -> Tensor:
    return _finished(cropped(pixels, parameters, size), parameters, inputs, layout)


def _finished(crops: Tensor, parameters: ViewParameters, inputs: NetworkInputs, layout: torch.memory_format) -> Tensor:
    return inputs(altered(crops, parameters, way_on(crops.device))).contiguous(memory_format=layout)


def _plain(function: Function) -> Function:
    return function


@cache
def _compiled(function: Function) -> Function:
    """Return `function` as a graph for every shape of its tensors, whose kernels are not chosen by measuring them.

    A choice by measurement would change the bits from run to run.
    """
    from torch._dynamo.exc import BackendCompilerFailed  # imports the compiler

    compiled = torch.compile(function, fullgraph=True, dynamic=False, options={"deterministic": True})

    def run(*arguments: object) -> Tensor:
        try:
            return compiled(*arguments)
        except BackendCompilerFailed as error:
            raise UserError(
                f"the views cannot be compiled for this GPU ({reason(error.inner_exception)}); torch's compiler needs"
                " a C compiler and Python's headers; TORCH_COMPILE_DISABLE=1 in the environment does without it, slower"
            ) from error

    return run
