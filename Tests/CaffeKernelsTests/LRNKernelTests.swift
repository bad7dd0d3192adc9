import CaffeErrors
import CaffeKernels
import Foundation
import Testing

struct LRNKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var batch = 2
    let channels: Int
    let size: Int
    let localSize: Int
    let beta: Float
    var testDescription: String { "\(channels) channels of \(size), n \(localSize), beta \(beta)" }
  }

  static let cases = [
    Case(channels: 7, size: 35, localSize: 5, beta: 0.75),
    Case(channels: 3, size: 600, localSize: 5, beta: 0.75),
    Case(channels: 9, size: 257, localSize: 3, beta: 0.6),
    Case(channels: 1, size: 1, localSize: 1, beta: 0.75),
    Case(channels: 4, size: 10, localSize: 9, beta: 2),
  ]

  /// The definition of the passes across channels, in double.
  private struct Across {
    let x: [Float]
    let dy: [Float]
    let scale: [Double]
    let y: [Double]
    let dx: [Double]

    init(_ c: Case, alpha: Double, k: Double, replacing special: Float? = nil) {
      let count = c.batch * c.channels * c.size
      var x = numbers(count)
      let dy = numbers(count, seed: 2)
      if let special { x[count / 2] = special }
      let half = (c.localSize - 1) / 2
      func neighbours(_ index: Int) -> [Int] {
        let channel = index / c.size % c.channels
        return (max(0, channel - half)...min(c.channels - 1, channel + half)).map {
          index + ($0 - channel) * c.size
        }
      }
      let (n, beta) = (Double(c.localSize), Double(c.beta))
      let scale = x.indices.map { i in
        k + alpha / n * neighbours(i).reduce(0) { $0 + Double(x[$1]) * Double(x[$1]) }
      }
      let y = x.indices.map { Double(x[$0]) * pow(scale[$0], -beta) }
      dx = x.indices.map { i in
        Double(dy[i]) * pow(scale[i], -beta) - 2 * alpha * beta / n * Double(x[i])
          * neighbours(i).reduce(0) { $0 + Double(dy[$1]) * y[$1] / scale[$1] }
      }
      (self.x, self.dy, self.scale, self.y) = (x, dy, scale, y)
    }
  }

  @Test(arguments: cases) func acrossChannels(_ c: Case) {
    let expected = Across(c, alpha: 0.5, k: 1.5)
    let (x, dy, count) = (expected.x, expected.dy, expected.x.count)
    let kernel = LRNAcrossChannels(
      batch: c.batch, channels: c.channels, size: c.size, localSize: c.localSize,
      alpha: 0.5, beta: c.beta, k: 1.5)
    Machine.each { machine in
      var scales = [Float](repeating: 0, count: count)
      let result = output(count) { kernel.forward(x, scale: &scales, into: $0) }
      expectClose(scales, expected.scale, within: 1e-6, machine)
      expectClose(result, expected.y, within: 1e-6, machine)
      let back = output(count) {
        kernel.backward(dy, input: x, output: result, scale: scales, into: $0)
      }
      expectClose(back, expected.dx, within: 2e-6, machine)
      let inPlace = output(count, initial: dy) {
        kernel.backward($0, input: x, output: result, scale: scales, into: $0)
      }
      #expect(inPlace == back)
    }
  }

  static let packedCases = [
    Case(channels: 32, size: 35, localSize: 5, beta: 0.75),
    Case(channels: 37, size: 600, localSize: 5, beta: 0.75),
    Case(channels: 9, size: 257, localSize: 3, beta: 0.6),
    Case(channels: 20, size: 2, localSize: 5, beta: 0.6),
    Case(channels: 4, size: 10, localSize: 3, beta: 0.75),
    Case(batch: 1, channels: 3000, size: 7, localSize: 5, beta: 0.75),
  ]

  private func packed(
    _ c: Case, _ layout: OneDNNMemoryLayout, alpha: Float, k: Float
  ) throws -> PackedLRN {
    let runs = try #require(layout.channelRuns)
    return try #require(
      PackedLRN(
        layout.extents, runs: runs, localSize: c.localSize, alpha: alpha, beta: c.beta, k: k))
  }

  @Test(arguments: packedCases) func acrossChannelsInPackedOrders(_ c: Case) throws {
    let expected = Across(c, alpha: 0.5, k: 1.5)
    let (extents, count) = ([c.batch, c.channels, c.size, 1], expected.x.count)
    let layouts = try [8, 16].map { try OneDNNMemoryLayout.blocked(extents, by: $0) }
    for layout in try layouts + [.channelsLast(extents)] {
      let kernel = try packed(c, layout, alpha: 0.5, k: 1.5)
      let (x, dy) = (PackedTensor(layout, expected.x), PackedTensor(layout, expected.dy))
      Machine.each { machine in
        let (result, back) = (PackedTensor(layout), PackedTensor(layout))
        kernel.forward(x.floats, into: result.floats)
        expectClose(result.values(count), expected.y, within: 1e-6, machine)
        kernel.backward(dy.floats, input: x.floats, into: back.floats)
        expectClose(back.values(count), expected.dx, within: 2e-6, machine)
        let inPlace = PackedTensor(layout, expected.dy)
        kernel.backward(inPlace.floats, input: x.floats, into: inPlace.floats)
        #expect(inPlace.values(count) == back.values(count))
        let padding = layout.byteCount / MemoryLayout<Float>.stride - count
        let zeros = [result, back].map { tensor in
          (0..<count + padding).count { tensor.floats[$0] == 0 }
        }
        #expect(zeros.allSatisfy { $0 >= padding }, "what fills up the last block stays zero")
      }
    }
  }

  /// A scale that is no positive number gives what the power gives.
  @Test(arguments: [(0.0, 0.0, Float(0)), (0.5, -40, 1), (0.5, 1.5, .infinity), (0.5, 1.5, .nan)])
  func oddScales(alpha: Double, k: Double, special: Float) throws {
    let c = Case(channels: 16, size: 9, localSize: 5, beta: 0.75)
    let expected = Across(c, alpha: alpha, k: k, replacing: special)
    let layout = try OneDNNMemoryLayout.blocked([c.batch, c.channels, c.size, 1], by: 16)
    let kernel = try packed(c, layout, alpha: Float(alpha), k: Float(k))
    let x = PackedTensor(layout, expected.x)
    Machine.each { machine in
      let result = PackedTensor(layout)
      kernel.forward(x.floats, into: result.floats)
      expectClose(result.values(expected.x.count), expected.y, within: 1e-6, machine)
    }
  }

  @Test func otherNeighbourhoodsAreNotTaken() {
    for localSize in [1, 7] {
      let kernel = PackedLRN(
        [2, 16, 3, 3], runs: ChannelRuns(planes: 2, run: 16), localSize: localSize, alpha: 1,
        beta: 0.75, k: 1)
      #expect(kernel == nil)
    }
  }

  @Test(arguments: [([5, 7], 3, Float(0.75)), ([4, 4], 5, 0.75), ([9, 2], 3, 1.1)])
  func withinAChannel(extents: [Int], n: Int, beta: Float) throws {
    let (height, width) = (extents[0], extents[1])
    let count = 2 * 3 * height * width
    let alpha = 0.8
    let (x, dy) = (numbers(count), numbers(count, seed: 2))
    let half = (n - 1) / 2
    func neighbours(_ index: Int) -> [Int] {
      let (row, column) = (index / width % height, index % width)
      return (-half...half).flatMap { dy in
        (-half...half).compactMap { dx in
          (0..<height).contains(row + dy) && (0..<width).contains(column + dx)
            ? index + dy * width + dx : nil
        }
      }
    }
    let area = Double(n * n)
    let power = -Double(beta)
    let scale = x.indices.map { i in
      1 + alpha / area * neighbours(i).reduce(0) { $0 + Double(x[$1]) * Double(x[$1]) }
    }
    let y = x.indices.map { Double(x[$0]) * pow(scale[$0], power) }
    let dx = x.indices.map { i in
      Double(dy[i]) * pow(scale[i], power) + 2 * alpha * power / area * Double(x[i])
        * neighbours(i).reduce(0) { $0 + Double(dy[$1]) * y[$1] / scale[$1] }
    }
    let kernel = try LRNWithinChannel(
      batch: 2, channels: 3, input: extents, localSize: n, alpha: Float(alpha), beta: beta)
    Machine.each { machine in
      var scales = [Float](repeating: 0, count: count)
      let result = output(count) { kernel.forward(x, scale: &scales, into: $0) }
      expectClose(result, y, within: 1e-6, machine)
      let back = output(count) {
        kernel.backward(dy, input: x, output: result, scale: scales, into: $0)
      }
      expectClose(back, dx, within: 2e-6, machine)
    }
  }
}
