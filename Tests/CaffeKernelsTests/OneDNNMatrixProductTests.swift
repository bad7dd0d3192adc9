import CaffeKernels
import Testing

@Suite(.enabled(if: Machine.hasWinograd, "oneDNN's own products of matrices need AVX-512"))
struct OneDNNMatrixProductTests {
  typealias Size = (rows: Int, columns: Int, inner: Int)

  /// Row-major values, or the same matrix column by column.
  private func stored(
    _ values: [Float], columns: Int, _ order: OneDNNMatrixProduct.Order
  ) -> [Float] {
    guard order == .columnMajor else { return values }
    let rows = values.count / columns
    return (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }

  @Test(arguments: [(1, 1, 1), (3, 5, 4), (64, 10, 500), (17, 130, 33)] as [Size])
  func matchesTheDefinition(_ size: Size) throws {
    let (rows, columns, inner) = size
    var numbers = Numbers(seed: 9)
    let (a, b) = (numbers.array(rows * inner), numbers.array(inner * columns))
    let bias = numbers.array(columns)
    let product = (0..<rows * columns).map { place in
      (0..<inner).reduce(0.0) {
        $0 + Double(a[place / columns * inner + $1]) * Double(b[$1 * columns + place % columns])
      }
    }
    for first in [OneDNNMatrixProduct.Order.rowMajor, .columnMajor] {
      for second in [OneDNNMatrixProduct.Order.rowMajor, .columnMajor] {
        let x = stored(a, columns: inner, first)
        let y = stored(b, columns: columns, second)
        func make(hasBias: Bool, adds: Bool) throws -> OneDNNMatrixProduct {
          try OneDNNMatrixProduct(
            first, second, rows: rows, columns: columns, inner: inner, hasBias: hasBias,
            adds: adds, scratchpad: Scratchpad())
        }
        var found = [Float](repeating: .nan, count: product.count)
        try make(hasBias: true, adds: false).run(x, y, bias: bias, into: &found)
        let shifted = product.enumerated().map { $1 + Double(bias[$0 % columns]) }
        #expect(worstDifference(found, shifted) < 1e-4)

        let adding = try make(hasBias: false, adds: true)
        func add(isZero: Bool) {
          found.withUnsafeMutableBufferPointer { sum in
            guard let start = sum.baseAddress else { return }
            adding.add(x, y, to: GradientSum(start, isZero: isZero))
          }
        }
        // What is said to be zero is not read.
        found = [Float](repeating: .nan, count: product.count)
        add(isZero: true)
        #expect(worstDifference(found, product) < 1e-4)
        add(isZero: false)
        #expect(worstDifference(found, product.map { 2 * $0 }) < 1e-4)
      }
    }
  }

  @Test func nothingIsRefused() {
    #expect(throws: EngineRefusal.self) {
      try OneDNNMatrixProduct(
        .rowMajor, .rowMajor, rows: 0, columns: 2, inner: 2, scratchpad: Scratchpad())
    }
  }
}
