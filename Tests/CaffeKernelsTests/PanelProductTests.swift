import CaffeKernels
import CaffeTestSupport
import Testing

/// Products with weights that are arranged once.
struct PanelProductTests {
  struct Case: Sendable, CustomStringConvertible {
    let rows: Int
    let inner: Int
    let sets: Int
    let columns: Int

    var description: String { "\(rows)x\(inner) by \(sets)x\(columns)" }
  }

  /// Columns that fill no vector, one, some, and a block and more; sums in one go and in two.
  static let cases = [
    Case(rows: 1, inner: 1, sets: 1, columns: 1), Case(rows: 13, inner: 20, sets: 4, columns: 20),
    Case(rows: 7, inner: 33, sets: 4, columns: 48), Case(rows: 6, inner: 600, sets: 1, columns: 64),
    Case(rows: 32, inner: 130, sets: 4, columns: 130),
    Case(rows: 3, inner: 515, sets: 2, columns: 77),
    Case(rows: 0, inner: 5, sets: 1, columns: 5),
  ]
  /// Blocks of every number of rows, in panels of one to four vectors.
  static let blocks = (1...28).flatMap { rows in
    [40, 200].map { Case(rows: rows, inner: 9, sets: 1, columns: $0) }
  }

  private func product(
    _ c: Case, _ a: [Float], _ weights: [Float], start: (_ row: Int, _ column: Int) -> Float
  ) -> [Float] {
    let width = c.sets * c.columns
    return (0..<c.rows).flatMap { row in
      (0..<width).map { column in
        Float(
          (0..<c.inner).reduce(Double(start(row, column))) {
            $0 + Double(a[row * c.inner + $1]) * Double(weights[column * c.inner + $1])
          })
      }
    }
  }

  @Test(arguments: cases + blocks) func sumsBeginWhereTheyShould(_ c: Case) {
    var numbers = Numbers(seed: 31)
    let width = c.sets * c.columns
    let (a, weights) = (numbers.array(c.rows * c.inner), numbers.array(width * c.inner))
    let turned = (0..<weights.count).map { weights[$0 % width * c.inner + $0 / width] }
    let (before, table) = (numbers.array(c.rows * width), numbers.array(5 * width))
    let words = (0..<c.rows).map { Float($0 * 3 % 5) }
    Machine.each { machine in
      for transposed in [false, true] {
        let panels = PanelProduct(rows: c.rows, inner: c.inner, sets: c.sets, columns: c.columns)
        (transposed ? turned : weights).withUnsafeBufferPointer {
          guard let values = $0.baseAddress else { return }
          panels.take(values, revision: 1, transposed: transposed)
        }
        func expect(_ start: PanelProduct.Start, _ reference: [Float]) {
          var values: [Float] = []
          let calls = output(c.columns, initial: Array(repeating: 0, count: c.columns)) { calls in
            nonisolated(unsafe) let calls = calls
            values = output(before.count, initial: before) {
              panels.run(a, from: start, into: $0) { for column in $0 { calls[column] += 1 } }
            }
          }
          #expect(Closeness.worst(values, reference) < 1e-5, "\(machine)")
          let isOnce = calls == Array(repeating: 1, count: c.columns)
          #expect(isOnce, "\(machine)")
        }
        expect(.zero, product(c, a, weights) { _, _ in 0 })
        expect(.output, product(c, a, weights) { before[$0 * width + $1] })
        table.withUnsafeBufferPointer { table in
          words.withUnsafeBufferPointer { words in
            guard let first = table.baseAddress, let indices = words.baseAddress else { return }
            expect(
              .rows(RowLookup(first, at: indices)),
              product(c, a, weights) { table[Int(words[$0]) * width + $1] })
          }
        }
      }
    }
  }
}
