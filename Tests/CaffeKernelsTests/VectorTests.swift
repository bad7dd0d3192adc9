import CaffeKernels
import CaffeKernelsC
import CaffeTestSupport
import Testing

struct VectorTests {
  /// Below, at and beyond vector widths, and beyond the size from which threads share the work.
  static let counts = [0, 1, 3, 15, 16, 17, 63, 65, 1001, 40_007]

  @Test(arguments: counts) func arithmeticIsElementwise(count: Int) {
    let (a, b) = (numbers(count), numbers(count, seed: 2))
    func expect(
      _ expected: (Double, Double) -> Double, _ body: (UnsafeMutablePointer<Float>) -> Void
    ) {
      let actual = output(count, body)
      expectClose(actual, zip(a, b).map { expected(Double($0), Double($1)) }, within: 1e-6)
    }
    Machine.each { _ in
      expect { _, _ in
        7
      } _: {
        Vector.fill($0, with: 7, count: count)
      }
      expect { a, _ in
        a
      } _: {
        Vector.copy(a, count: count, into: $0)
      }
      expect { a, _ in
        3 * a - 1
      } _: {
        Vector.scale(a, by: 3, plus: -1, count: count, into: $0)
      }
      expect { a, b in
        2 * a - 3 * b
      } _: {
        Vector.combine(2, a, -3, b, count: count, into: $0)
      }
      expect {
        $0 + $1
      } _: {
        Vector.add(a, b, count: count, into: $0)
      }
      expect {
        $0 - $1
      } _: {
        Vector.subtract(a, b, count: count, into: $0)
      }
      expect {
        2 * $0 * $1
      } _: {
        Vector.multiply(a, b, factor: 2, count: count, into: $0)
      }
      expect {
        $0 / $1
      } _: {
        Vector.divide(a, by: b, count: count, into: $0)
      }
      expect {
        ($0 * $0).squareRoot() + 0 * $1
      } _: {
        Vector.multiply(a, a, count: count, into: $0)
        Vector.squareRoot($0, count: count, into: $0)
      }
    }
  }

  @Test(arguments: counts) func accumulationAddsToTheOutput(count: Int) {
    let (a, b) = (numbers(count), numbers(count, seed: 2))
    Machine.each { _ in
      let sum = output(count, initial: b) { Vector.addScaled(a, by: -2, count: count, into: $0) }
      expectClose(sum, zip(a, b).map { Double($1) - 2 * Double($0) }, within: 1e-6)
      let product = output(count, initial: b) {
        Vector.addProduct(a, a, factor: 3, count: count, into: $0)
      }
      expectClose(product, zip(a, b).map { Double($1) + 3 * Double($0 * $0) }, within: 1e-6)
    }
  }

  @Test(arguments: counts) func reductionsMatchSumsInDouble(count: Int) {
    let (a, b) = (numbers(count), numbers(count, seed: 2))
    let pairs = zip(a, b).map { (Double($0), Double($1)) }
    // Errors grow with the terms, not with the sum, which may cancel.
    let tolerance = 1e-6 * Double(max(1, count))
    Machine.each { machine in
      func expect(_ actual: Double, _ term: (Double, Double) -> Double) {
        let expected = pairs.map(term).reduce(0, +)
        #expect(abs(actual - expected) <= tolerance, "\(machine): \(actual), not \(expected)")
      }
      expect(Vector.sum(a, count: count)) { a, _ in a }
      expect(Vector.absoluteSum(a, count: count)) { a, _ in abs(a) }
      expect(Vector.squaredSum(a, count: count)) { a, _ in a * a }
      expect(Vector.dot(a, b, count: count)) { $0 * $1 }
      expect(Vector.squaredDistance(a, b, count: count)) { ($0 - $1) * ($0 - $1) }
      #expect(Vector.maximum(a, count: count) == a.max() ?? -.infinity)
      #expect(Vector.isFinite(a, count: count))
    }
  }

  @Test func nonfiniteValuesAreFoundAnywhere() {
    for place in [0, 17, 999, 39_999] {
      for value in [Float.nan, .infinity, -.infinity] {
        var values = numbers(40_000)
        values[place] = value
        Machine.each { _ in
          #expect(!Vector.isFinite(values, count: values.count))
          let others = values.filter { !$0.isNaN }
          #expect(Vector.maximum(values, count: values.count) == others.max())
        }
      }
    }
  }

  @Test func sumsRepeatExactlyForAThreadCount() {
    let values = numbers(100_003)
    Machine.each { machine in
      let first = Vector.sum(values, count: values.count)
      for _ in 0..<20 { #expect(Vector.sum(values, count: values.count) == first, "\(machine)") }
    }
  }

  @Test func meanMagnitudeOfNothingIsZero() {
    #expect(Vector.meanMagnitude([1, -3], count: 2) == 2)
    #expect(Vector.meanMagnitude([], count: 0) == 0)
  }
}

struct GemmTests {
  //  [1 2]   [5 6]   [19 22]
  //  [3 4] · [7 8] = [43 50]
  @Test func productOfTwoByTwo() {
    let (a, b): ([Float], [Float]) = ([1, 2, 3, 4], [5, 6, 7, 8])
    func product(_ left: Bool, _ right: Bool) -> [Float] {
      output(4) { out in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            guard let a = a.baseAddress, let b = b.baseAddress else { return }
            Gemm.multiply(
              Gemm.Operand(a, stride: 2, transposed: left),
              Gemm.Operand(b, stride: 2, transposed: right), rows: 2, columns: 2, inner: 2,
              into: out)
          }
        }
      }
    }
    #expect(product(false, false) == [19, 22, 43, 50])
    #expect(product(true, false) == [26, 30, 38, 44])
    #expect(product(false, true) == [17, 23, 39, 53])
  }

  @Test func betaAddsToTheOutput() {
    let result = output(2, initial: [100, 200]) {
      Gemm.multiply([1, 2, 3, 4], rows: 2, columns: 2, vector: [1, 1], beta: 1, into: $0)
    }
    #expect(result == [103, 207])
    let transposed = output(2) {
      Gemm.multiply(
        [1, 2, 3, 4], rows: 2, columns: 2, transposed: true, vector: [1, 1], into: $0)
    }
    #expect(transposed == [4, 6])
  }
}

struct ThreadsTests {
  @Test func partsCoverTheRangeOnceAndInOrder() {
    Machine.each { _ in
      for count in [0, 1, 2, 7, 1000] {
        for parts in [1, 2, 5] {
          let hits = output(count, initial: Array(repeating: 0, count: count)) { pointer in
            nonisolated(unsafe) let hits = pointer
            Threads.forEachPart(of: count, in: parts) { _, range in
              for index in range { hits[index] += 1 }
            }
          }
          #expect(hits == Array(repeating: 1, count: count))
        }
      }
    }
  }

  @Test func aThreadCountBelowOneIsOne() {
    Machine.each { _ in
      Threads.setCount(0)
      #expect(Threads.count == 1)
    }
  }

  /// One unit in the last place of bfloat16 is 2⁻⁷ at 1.
  @Test func bfloat16IsTheNearestAndTheEvenOfTwo() {
    let unit = Float(0x1p-7)
    let values: [Float] = [
      0, -0.0, 1, 1 + unit / 2, 1 + unit * 3 / 2, -1 - unit / 2, 1 + unit * 0.51, 3e38,
      .greatestFiniteMagnitude, .infinity, -.infinity, 0x1p-130,
    ]
    let expected: [Float] = [
      0, -0.0, 1, 1, 1 + 2 * unit, -1, 1 + unit, bfloat16(3e38), .infinity, .infinity, -.infinity,
      bfloat16(0x1p-130),
    ]
    let many = numbers(40_007)
    Machine.each { machine in
      let rounded = output(values.count) {
        Vector.roundToBFloat16(values, count: values.count, into: $0)
      }
      #expect(rounded == expected, "\(machine)")
      #expect(rounded[1].sign == .minus)
      let all = output(many.count) {
        Vector.roundToBFloat16(many, count: many.count, into: $0)
      }
      #expect(all == many.map(bfloat16), "\(machine)")
      var upper = [UInt16](repeating: 0, count: many.count)
      ck_round_bfloat16(many, many.count, &upper)
      #expect(upper.map(bfloat16Value) == all, "\(machine)")
      let wide = output(many.count) { ck_widen_bfloat16(upper, many.count, $0) }
      #expect(wide == all, "\(machine)")
      let nan = output(2) { Vector.roundToBFloat16([.nan, -.nan], count: 2, into: $0) }
      #expect(nan.allSatisfy { $0.isNaN }, "\(machine)")
    }
  }
}
