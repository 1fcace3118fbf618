"""A scale bar in a PyVista window: it keeps its place in the corner and its length true while the camera moves."""

from __future__ import annotations

from typing import Any

from trabsim.viz.annotate import bar_length_um, length_text
from trabsim.viz.colors import INK

# pixels: place of the left end, thickness, letters, and how far these stand above
_LEFT, _BOTTOM, _WIDTH, _LETTERS, _ABOVE = 24.0, 22.0, 3.0, 15, 8.0
# share of the width that the bar does not exceed
_LONGEST = 0.22


class ScaleBar:
    """A bar of a round length; the projection is parallel, so it holds everywhere in the picture.

    Parameters
    ----------
    renderer : vtkRenderer
        In which it is shown; its camera projects in parallel and its unit is a voxel.
    voxel_um : float

    Attributes
    ----------
    pixels : float
        Its length in the last picture.
    """

    def __init__(self, renderer: Any, voxel_um: float) -> None:
        from vtkmodules.vtkCommonCore import vtkPoints
        from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
        from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D, vtkTextActor

        self._renderer, self._voxel_um = renderer, voxel_um
        self.pixels = 0.0
        self._ends = vtkPoints()
        self._ends.SetNumberOfPoints(2)
        line = vtkCellArray()
        line.InsertNextCell(2, (0, 1))
        self._line = vtkPolyData()
        self._line.SetPoints(self._ends)
        self._line.SetLines(line)
        mapper = vtkPolyDataMapper2D()
        mapper.SetInputData(self._line)
        color = tuple(n / 255 for n in INK)
        self._bar = vtkActor2D()
        self._bar.SetMapper(mapper)
        self._bar.GetProperty().SetColor(color)
        self._bar.GetProperty().SetLineWidth(_WIDTH)
        self.text = vtkTextActor()
        look = self.text.GetTextProperty()
        look.SetFontSize(_LETTERS)
        look.SetColor(color)
        look.SetJustificationToCentered()
        look.SetBackgroundColor(1.0, 1.0, 1.0)
        look.SetBackgroundOpacity(0.7)
        renderer.AddObserver("StartEvent", self._fit)

    def show(self) -> None:
        """Put it into the picture, again if what was there has been cleared away."""
        for one in (self._bar, self.text):
            if not self._renderer.HasViewProp(one):
                self._renderer.AddViewProp(one)

    def _fit(self, *_: Any) -> None:
        width, height = self._renderer.GetSize()
        um_per_pixel = 2.0 * self._renderer.GetActiveCamera().GetParallelScale() / height * self._voxel_um
        length_um = bar_length_um(_LONGEST * width * um_per_pixel)
        self.pixels = length_um / um_per_pixel
        right = _LEFT + self.pixels
        self._ends.SetPoint(0, _LEFT, _BOTTOM, 0.0)
        self._ends.SetPoint(1, right, _BOTTOM, 0.0)
        self._ends.Modified()
        self._line.Modified()
        self.text.SetInput(length_text(length_um))
        self.text.SetPosition((_LEFT + right) / 2.0, _BOTTOM + _ABOVE)
