//! Symmetric positive definite matrices of some tens of rows: factor, solve, invert. A linear algebra library would be the
//! heaviest dependency of the crate for these lines.

/// A square matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Square {
    pub(crate) side: usize,
    cells: Vec<f64>,
}

impl Square {
    pub(crate) fn zero(side: usize) -> Self {
        Self {
            side,
            cells: vec![0.0; side * side],
        }
    }

    pub(crate) fn get(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.side + column]
    }

    pub(crate) fn add(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.side + column] += value;
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.side + column] = value;
    }

    /// Adds `value` times the matrix of a difference of two coordinates: what one vote on a pair tells.
    pub(crate) fn add_difference(&mut self, a: usize, b: usize, value: f64) {
        self.add(a, a, value);
        self.add(b, b, value);
        self.add(a, b, -value);
        self.add(b, a, -value);
    }

    /// The lower triangle `l` with `l lᵀ = self`; none unless positive definite.
    pub(crate) fn cholesky(&self) -> Option<Lower> {
        let side = self.side;
        let mut lower = Self::zero(side);
        let tiny = f64::EPSILON * side as f64 * (0..side).map(|at| self.get(at, at)).fold(0.0, f64::max);
        for row in 0..side {
            for column in 0..=row {
                let (above, left) = (
                    &lower.cells[row * side..][..column],
                    &lower.cells[column * side..][..column],
                );
                let dot: f64 = above.iter().zip(left).map(|(a, b)| a * b).sum();
                let rest = self.get(row, column) - dot;
                if row != column {
                    lower.set(row, column, rest / lower.get(column, column));
                } else if rest > tiny {
                    lower.set(row, row, rest.sqrt());
                } else {
                    return None;
                }
            }
        }
        Some(Lower(lower))
    }

    /// `self other`, of equal sides.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Self::zero(self.side);
        for row in 0..self.side {
            for inner in 0..self.side {
                let factor = self.get(row, inner);
                for column in 0..self.side {
                    product.add(row, column, factor * other.get(inner, column));
                }
            }
        }
        product
    }

    /// The covariance of coordinates less their mean over `among`, of which this is the covariance of the coordinates.
    pub(crate) fn centered(&self, among: &[usize]) -> Self {
        let share = 1.0 / among.len().max(1) as f64;
        let side = self.side;
        let to_mean = |row: usize| among.iter().map(|other| self.get(row, *other)).sum::<f64>() * share;
        let means: Vec<f64> = (0..side).map(to_mean).collect();
        let mean = among.iter().map(|row| means[*row]).sum::<f64>() * share;
        let mut out = self.clone();
        for row in 0..side {
            for column in 0..side {
                out.add(row, column, mean - means[row] - means[column]);
            }
        }
        out
    }
}

/// The lower triangle of a Cholesky factorization.
#[derive(Clone, Debug)]
pub(crate) struct Lower(Square);

impl Lower {
    /// The `x` with `l lᵀ x = right`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let (lower, side) = (&self.0, self.0.side);
        let mut x = right.to_vec();
        for row in 0..side {
            let dot: f64 = (0..row).map(|column| lower.get(row, column) * x[column]).sum();
            x[row] = (x[row] - dot) / lower.get(row, row);
        }
        for row in (0..side).rev() {
            let dot: f64 = (row + 1..side).map(|below| lower.get(below, row) * x[below]).sum();
            x[row] = (x[row] - dot) / lower.get(row, row);
        }
        x
    }

    /// The inverse of `l lᵀ`.
    pub(crate) fn inverse(&self) -> Square {
        let side = self.0.side;
        let mut out = Square::zero(side);
        let mut unit = vec![0.0; side];
        for column in 0..side {
            unit[column] = 1.0;
            for (row, value) in self.solve(&unit).into_iter().enumerate() {
                out.set(row, column, value);
            }
            unit[column] = 0.0;
        }
        out
    }

    /// `l z`: independent standard normal `z` become normal with covariance `l lᵀ`.
    pub(crate) fn shape(&self, z: &[f64]) -> Vec<f64> {
        let row_of = |row: usize| (0..=row).map(|column| self.0.get(row, column) * z[column]).sum();
        (0..self.0.side).map(row_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_solve_and_inverse_agree() {
        let mut matrix = Square::zero(3);
        for at in 0..3 {
            matrix.add(at, at, 1.0 + at as f64);
        }
        matrix.add_difference(0, 1, 2.0);
        matrix.add_difference(1, 2, 0.5);
        let lower = matrix.cholesky().expect("the diagonal dominates");
        let x = lower.solve(&[1.0, -2.0, 0.25]);
        for (row, want) in [1.0, -2.0, 0.25].into_iter().enumerate() {
            let got: f64 = (0..3).map(|column| matrix.get(row, column) * x[column]).sum();
            assert!((got - want).abs() < 1e-12);
        }
        let unit = matrix.times(&lower.inverse());
        for row in 0..3 {
            for column in 0..3 {
                let want = if row == column { 1.0 } else { 0.0 };
                assert!((unit.get(row, column) - want).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_singular_matrix_has_no_factor() {
        let mut matrix = Square::zero(2);
        matrix.add_difference(0, 1, 3.0);
        assert!(matrix.cholesky().is_none());
    }
}
