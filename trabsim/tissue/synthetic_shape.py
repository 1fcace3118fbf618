"""What the elements of a synthetic network look like: how many plates, how thick, how bent."""

from __future__ import annotations

from trabsim.params import Params, param


class NetworkParams(Params):
    """Shape of the elements of a synthetic specimen."""

    plate_fraction: float = param(
        0.3,
        "share of cell faces closed by a plate, averaged over all orientations; upright faces come first",
        source="assumed: gives Conn.D, SMI and Tb.N of lumbar bone together with the presets",
        ge=0,
        le=0.6,
    )
    solid_share: float = param(
        0.15,
        "share of the plates without a window",
        source="assumed: most plates of adult vertebrae are perforated",
        ge=0,
        le=1,
    )
    double_share: float = param(
        0.5,
        "share of the perforated plates with two windows",
        source="assumed: as seen in microCT pictures",
        ge=0,
        le=1,
    )
    rim_fraction: float = param(
        0.07,
        "least distance of a window from the axis of a strut, in cell sizes",
        source="assumed: about a strut radius",
        gt=0,
        le=0.3,
    )
    window_fraction: float = param(
        0.12,
        "least radius of a window, in cell sizes",
        source="assumed: smaller ones would close on coarse voxels",
        gt=0,
        le=0.5,
    )
    plate_thickness_fraction: float = param(
        0.8,
        "thickness of a plate, in mean strut diameters",
        source="assumed: junctions apart, plates and rods are about equally thick",
        gt=0,
        le=1.5,
    )
    horizontal_thickness_fraction: float = param(
        0.86,
        "diameter of a horizontal strut, in mean strut diameters",
        source="vertical trabeculae are 30 % thicker: Kinney et al. 2005, Bone 36(2), OSTI 15011516",
        gt=0.3,
        le=1.5,
    )
    vertical_thickness_fraction: float = param(
        1.12,
        "diameter of a vertical strut, in mean strut diameters",
        source="vertical trabeculae are 30 % thicker: Kinney et al. 2005, Bone 36(2), OSTI 15011516",
        gt=0.3,
        le=2,
    )
    thickness_spread_fraction: float = param(
        0.12,
        "random half range of an element's thickness, relative",
        source="assumed: struts differ",
        ge=0,
        le=0.4,
    )
    blend_fraction: float = param(
        0.8,
        "reach of the fillets where elements meet, in mean strut diameters",
        source="assumed: rounded junctions as in microCT pictures",
        gt=0,
        le=2,
    )
    bend_fraction: float = param(
        0.17,
        "half range of the random displacement along each axis, in cell sizes",
        source="assumed: slightly bent elements",
        ge=0,
        le=0.4,
    )
