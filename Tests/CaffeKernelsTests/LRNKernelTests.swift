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

  @Test(arguments: cases) func acrossChannels(_ c: Case) {
    let (alpha, k) = (0.5, 1.5)
    let count = c.batch * c.channels * c.size
    let (x, dy) = (numbers(count), numbers(count, seed: 2))
    let half = (c.localSize - 1) / 2
    func neighbours(_ index: Int) -> [Int] {
      let channel = index / c.size % c.channels
      return (max(0, channel - half)...min(c.channels - 1, channel + half)).map {
        index + ($0 - channel) * c.size
      }
    }
    let n = Double(c.localSize)
    let beta = Double(c.beta)
    let scale = x.indices.map { i in
      k + alpha / n * neighbours(i).reduce(0) { $0 + Double(x[$1]) * Double(x[$1]) }
    }
    let y = x.indices.map { Double(x[$0]) * pow(scale[$0], -beta) }
    let dx = x.indices.map { i in
      Double(dy[i]) * pow(scale[i], -beta) - 2 * alpha * beta / n * Double(x[i])
        * neighbours(i).reduce(0) { $0 + Double(dy[$1]) * y[$1] / scale[$1] }
    }
    let kernel = LRNAcrossChannels(
      batch: c.batch, channels: c.channels, size: c.size, localSize: c.localSize,
      alpha: Float(alpha), beta: c.beta, k: Float(k))
    Machine.each { machine in
      var scales = [Float](repeating: 0, count: count)
      let result = output(count) { kernel.forward(x, scale: &scales, into: $0) }
      expectClose(scales, scale, within: 1e-6, machine)
      expectClose(result, y, within: 1e-6, machine)
      let back = output(count) {
        kernel.backward(dy, input: x, output: result, scale: scales, into: $0)
      }
      expectClose(back, dx, within: 2e-6, machine)
      let inPlace = output(count, initial: dy) {
        kernel.backward($0, input: x, output: result, scale: scales, into: $0)
      }
      #expect(inPlace == back)
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
