import CaffeKernels

/// Where the values of a pass lie, step after step.
///
/// Threads write to units of their own.
struct RecurrentSteps: @unchecked Sendable {
  let count: Int
  let streams: Int
  let units: Int
  let sumsPerUnit: Int
  /// `[count, streams, sumsPerUnit, units]`, or one step's after another in the same place.
  let sums: UnsafeMutablePointer<Float>
  let keepsSums: Bool
  /// What the sums begin with, a row for each step and stream; `nil` for what is there.
  let rows: RowLookup?
  /// `[count, streams]`; 0 where a sequence begins.
  let continuing: UnsafePointer<Float>
  /// Of each state, before the first step: `[streams, units]`.
  let starts: [UnsafePointer<Float>]
  /// Of each state, after each step: `[count, streams, units]`.
  let states: [UnsafeMutablePointer<Float>]

  /// Values of a state, and sums, of all streams at one step.
  var stateCount: Int { streams * units }
  var sumCount: Int { sumsPerUnit * stateCount }

  /// - Parameter units: `nil` for all.
  subscript(index: Int, units: Range<Int>? = nil) -> RecurrentStep {
    RecurrentStep(index: index, units: units, pass: self)
  }
}

/// Some units at one step of a pass.
struct RecurrentStep {
  let index: Int
  /// `nil` for all.
  let units: Range<Int>?
  fileprivate let pass: RecurrentSteps

  /// These units of states `[streams, units]`.
  var columns: MatrixColumns { MatrixColumns(units, rows: pass.streams, width: pass.units) }
  /// The step's sums, `[streams, sumsPerUnit, units]`.
  var sums: UnsafeMutablePointer<Float> {
    pass.keepsSums ? pass.sums + index * pass.sumCount : pass.sums
  }
  /// What the step's sums begin with; `nil` for what is there.
  var start: RowLookup? {
    pass.rows.map { RowLookup($0.table, at: $0.indices + index * pass.streams) }
  }
  /// The step's, `[streams]`.
  var continuing: UnsafePointer<Float> { pass.continuing + index * pass.streams }

  /// State `state` before the step, and after it.
  func before(_ state: Int) -> UnsafePointer<Float> {
    index == 0
      ? pass.starts[state] : UnsafePointer(pass.states[state] + (index - 1) * pass.stateCount)
  }

  func after(_ state: Int) -> UnsafeMutablePointer<Float> {
    pass.states[state] + index * pass.stateCount
  }
}
