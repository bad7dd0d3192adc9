import CaffeKernelsC

/// A product of a few rows with weights that serve often: they are arranged in panels once, so that a sum of
/// a panel's columns stays in registers.
///
/// output `[rows, sets, columns]` ← a `[rows, inner]` · weights `[sets · columns, inner]`ᵀ. The columns are
/// parted among threads, all sets of some columns together.
package final class PanelProduct {
  /// Multiplications that are worth waking a thread for.
  private static let grain = 1 << 16

  /// The loops' name, as `panels:v4`.
  package let implementation = "panels:\(InstructionSet.current)"

  private let rows: Int
  private let panels: ck_panels
  private let arranged: AlignedBuffer
  /// What the arranged weights are a copy of.
  private var revision: Int?

  package init(rows: Int, inner: Int, sets: Int = 1, columns: Int) {
    self.rows = rows
    let parts = ck_parts(rows * inner * sets * columns, Self.grain)
    panels = ck_panels(inner: inner, sets: sets, columns: columns, parts: parts)
    arranged = withUnsafePointer(to: panels) {
      AlignedBuffer(byteCount: ck_panels_count($0) * MemoryLayout<Float>.stride)
    }
  }

  /// Takes weights `[sets · columns, inner]`, or `[inner, sets · columns]` if they are transposed, unless it
  /// has those of this revision.
  package func take(
    _ weights: @autoclosure () -> UnsafePointer<Float>, revision: Int, transposed: Bool = false
  ) {
    guard revision != self.revision else { return }
    self.revision = revision
    withUnsafePointer(to: panels) { panels in
      let columns = panels.pointee.sets * panels.pointee.columns
      ck_panels_arrange(
        panels, weights(), transposed ? 1 : panels.pointee.inner, transposed ? columns : 1,
        arranged.floats)
    }
  }

  /// What the sums of a product begin with.
  package enum Start {
    case zero
    /// What is in the output.
    case output
    case rows(RowLookup)
  }

  /// Overwrites `output`, and calls `finish` with columns whose values in all rows and sets are there, on
  /// the thread that has made them. What `finish` calls is serial.
  package func run(
    _ a: UnsafePointer<Float>, from start: Start, into output: UnsafeMutablePointer<Float>,
    then finish: @Sendable (_ columns: Range<Int>) -> Void
  ) {
    nonisolated(unsafe) let (a, output) = (a, output)
    nonisolated(unsafe) let (start, index): (UnsafePointer<Float>?, UnsafePointer<Float>?) =
      switch start {
      case .zero: (nil, nil)
      case .output: (UnsafePointer(output), nil)
      case .rows(let lookup): (lookup.table, lookup.indices)
      }
    nonisolated(unsafe) let arranged = arranged.floats
    let (rows, panels) = (rows, panels)
    Threads.forEachPart(of: panels.parts, in: panels.parts) { part, _ in
      withUnsafePointer(to: panels) {
        ck_panels_multiply($0, a, rows, arranged, part, start, index, output)
        finish(ck_panels_first_column($0, part)..<ck_panels_first_column($0, part + 1))
      }
    }
  }
}
