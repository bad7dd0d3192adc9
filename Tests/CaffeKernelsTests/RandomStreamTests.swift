import CaffeKernels
import CaffeKernelsC
import Foundation
import Testing

struct RandomStreamTests {
  private let stream = RandomStream(seed: 7, name: "drop1")

  /// The known answers of the authors' Random123 library (`kat_vectors`, philox4x32 10).
  @Test func knownAnswers() {
    let ones = UInt32.max
    #expect(
      RandomStream.philox(counter: [0, 0, 0, 0], key: [0, 0])
        == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      RandomStream.philox(counter: [ones, ones, ones, ones], key: [ones, ones])
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      RandomStream.philox(
        counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        key: [0xa409_3822, 0x299f_31d0])
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  /// Value i of a pass is word i / 16 mod 4 of block 16·(i / 64) + i mod 16.
  @Test func fillsAreMadeOfPhiloxBlocks() {
    let (key, pass): (UInt64, UInt64) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)
    let halves = { (word: UInt64) in [UInt32(truncatingIfNeeded: word), UInt32(word >> 32)] }
    let expected = (0..<200).map { i -> Double in
      let block = UInt64(i / 64 * 16 + i % 16)
      let words = RandomStream.philox(counter: halves(block) + halves(pass), key: halves(key))
      return Double(words[i / 16 % 4] >> 8) / Double(1 << 24)
    }
    Machine.each { machine in
      let values = output(200) { ck_random_fill(key, pass, CK_UNIFORM, 0, 1, 0, 200, $0) }
      expectClose(values, expected, within: 0, machine)
    }
  }

  private func uniform(_ count: Int, pass: UInt64 = 0, first: Int = 0) -> [Float] {
    output(count) { stream.uniform(into: $0, count: count, pass: pass, first: first) }
  }

  @Test func valuesDependOnNeitherThreadsNorInstructionSetNorStart() {
    let whole = uniform(30_000)
    Machine.each { machine in
      #expect(uniform(30_000) == whole, "\(machine)")
      for (first, count) in [(1, 5), (63, 2), (64, 64), (1001, 20_003)] {
        #expect(uniform(count, first: first) == Array(whole[first..<first + count]), "\(machine)")
      }
    }
  }

  @Test func gaussiansDoNotDependOnThreads() {
    let whole = output(30_000) { stream.gaussian(into: $0, count: 30_000, pass: 0) }.map(
      Double.init)
    Machine.each { machine in
      let again = output(30_000) { stream.gaussian(into: $0, count: 30_000, pass: 0) }
      // Instruction sets may round the last digit differently (fused products).
      expectClose(again, whole, within: 1e-6, machine)
    }
  }

  @Test func passesNamesAndSeedsDiffer() {
    let first = uniform(100)
    #expect(uniform(100, pass: 1) != first)
    #expect(uniform(100, pass: 1 << 40) != first)
    for other in [RandomStream(seed: 8, name: "drop1"), RandomStream(seed: 7, name: "drop2")] {
      #expect(output(100) { other.uniform(into: $0, count: 100, pass: 0) } != first)
    }
  }

  /// The first moments and the range, to three standard errors of 200 000 draws.
  @Test func uniformHasItsMoments() {
    let values = output(200_000) {
      stream.uniform(into: $0, count: 200_000, from: -1, to: 3, pass: 5)
    }
    let mean = Vector.sum(values, count: values.count) / 200_000
    #expect(values.allSatisfy { (-1...3).contains($0) })
    #expect(abs(mean - 1) < 3 * 4 / (12 * 200_000.0).squareRoot())
    let square = values.reduce(0.0) { $0 + pow(Double($1) - 1, 2) } / 200_000
    #expect(abs(square - 16.0 / 12) < 0.01)
  }

  @Test func gaussianHasItsMomentsAndTails() {
    let values = output(200_000) {
      stream.gaussian(into: $0, count: 200_000, mean: 2, deviation: 3, pass: 5)
    }.map { (Double($0) - 2) / 3 }
    func moment(_ power: Int) -> Double {
      values.reduce(0) { $0 + pow($1, Double(power)) } / Double(values.count)
    }
    #expect(abs(moment(1)) < 0.0068)
    #expect(abs(moment(2) - 1) < 0.0095)
    #expect(abs(moment(3)) < 0.026)
    #expect(abs(moment(4) - 3) < 0.066)
    let beyondTwo = Double(values.filter { abs($0) > 2 }.count) / 200_000
    #expect(abs(beyondTwo - 0.0455) < 0.0014)
    let product = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / 200_000
    #expect(abs(product) < 0.0068, "neighbours are independent")
  }

  @Test func bernoulliAndMaskAgree() {
    let values = output(50_001) {
      stream.bernoulli(into: $0, count: 50_001, probability: 0.3, pass: 2)
    }
    var mask = [UInt8](repeating: 9, count: 50_001)
    stream.mask(into: &mask, count: 50_001, probability: 0.3, pass: 2)
    #expect(values == mask.map(Float.init))
    #expect(abs(Vector.sum(values, count: 50_001) / 50_001 - 0.3) < 0.0062)
    #expect(
      output(100) { stream.bernoulli(into: $0, count: 100, probability: 1, pass: 2) }
        .allSatisfy { $0 == 1 })
  }

  @Test func integersAreUniform() {
    var counts = [Int](repeating: 0, count: 7)
    for index in 0..<70_000 { counts[stream.integer(below: 7, pass: 1, index: index)] += 1 }
    for count in counts { #expect(abs(count - 10_000) < 300) }
    #expect(stream.integer(below: 1, pass: 1, index: 3) == 0)
    let wide = (0..<100).map { stream.integer(below: .max, pass: 1, index: $0) }
    #expect(Set(wide).count == 100)
  }

  @Test func permutationsHoldEveryNumberOnce() {
    let order = stream.permutation(count: 1000, pass: 3)
    #expect(order.sorted() == Array(0..<1000))
    #expect(order != Array(0..<1000))
    #expect(order == stream.permutation(count: 1000, pass: 3))
    #expect(order != stream.permutation(count: 1000, pass: 4))
    #expect(stream.permutation(count: 0, pass: 3) == [])
  }

  @Test func dropoutKeepsAndScales() {
    let count = 20_003
    let (input, gradient) = (numbers(count), numbers(count, seed: 2))
    Machine.each { _ in
      var mask = [UInt8](repeating: 9, count: count)
      let result = output(count) {
        DropoutKernel.forward(
          input, ratio: 0.75, stream: stream, pass: 1, count: count, mask: &mask, into: $0)
      }
      #expect(result == zip(input, mask).map { $1 == 1 ? 4 * $0 : 0 })
      let back = output(count) {
        DropoutKernel.backward(gradient, ratio: 0.75, mask: mask, count: count, into: $0)
      }
      #expect(back == zip(gradient, mask).map { $1 == 1 ? 4 * $0 : 0 })
      #expect(abs(Double(mask.filter { $0 == 1 }.count) / Double(count) - 0.25) < 0.01)
    }
  }
}
