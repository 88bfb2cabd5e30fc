//! Small drawings put at a place in the picture.

use super::shapes::Outline;

/// x to the right, y up.
pub(crate) type Point = (f32, f32);

/// Maps points of a drawing (x to the right, y up, foot at 0) to a place in the picture.
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) flip: f32,
}

impl Place {
    pub(crate) fn at(&self, point: Point) -> Point {
        (self.x + point.0 * self.size * self.flip, self.y - point.1 * self.size)
    }

    pub(crate) fn all(&self, points: &[Point]) -> Vec<Point> {
        points.iter().map(|point| self.at(*point)).collect()
    }

    pub(crate) fn curve(&self, outline: Outline, points: &[Point]) -> Outline {
        outline.curve(&self.all(points))
    }

    pub(crate) fn shape(&self, outline: Outline, points: &[Point]) -> Outline {
        outline.polygon(&self.all(points))
    }

    pub(crate) fn line(&self, outline: Outline, points: &[Point], from: f32, to: f32) -> Outline {
        outline.stroke(&self.all(points), from * self.size, to * self.size)
    }

    pub(crate) fn oval(&self, outline: Outline, center: Point, rx: f32, ry: f32) -> Outline {
        let (x, y) = self.at(center);
        outline.ellipse(x, y, rx * self.size, ry * self.size)
    }
}
