import CaffeErrors
import CaffeKernelsC

/// Maximum and average pooling of values in a packed order, the CAFFE engine's.
///
/// - Input `[planes, spatial…, run]`, output `[planes, spatial'…, run]`, planes and run as
///   `ChannelRuns` has them.
///
/// Means the same as `ReferencePooling` does, in registers over several channels at a time: no pass
/// clears or scatters.
package final class PackedPooling {
  package enum Method: Hashable, Sendable { case maximum, average }

  private let method: Method
  private let geometry: PoolingGeometry
  private let runs: ChannelRuns
  /// Input and output extents of three axes; leading ones are 1 where there are fewer.
  private let input: [Int]
  private let output: [Int]
  private let kernel: [Int]
  /// The windows of the three axes, one axis after the other; then which windows cover each cell.
  private let windows: [ck_window]
  private let covering: [ck_window]
  /// Which cell of its window each output came from.
  private var taps: [UInt8] = []

  /// - Throws: `EngineRefusal` for more than three spatial axes, or a maximum over more than 256 cells.
  package init(_ geometry: PoolingGeometry, method: Method, runs: ChannelRuns) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw EngineRefusal("it pools over 1 to 3 spatial axes, not \(geometry.input.count)")
    }
    let kernel = geometry.input.indices.map { axis in
      (0..<geometry.output[axis]).map { geometry.window(axis: axis, index: $0).cells.count }.max()
        ?? 1
    }
    let cells = kernel.reduce(1, *)
    guard method == .average || cells <= CK_MAX_PACKED_TAPS else {
      throw EngineRefusal("it remembers no maximum over \(cells) cells")
    }
    self.method = method
    self.geometry = geometry
    self.runs = runs
    let missing = Array(repeating: 1, count: 3 - geometry.input.count)
    input = missing + geometry.input
    output = missing + geometry.output
    self.kernel = missing + kernel
    windows = geometry.windowsOfThreeAxes()
    covering = geometry.windowsCoveringThreeAxes()
    if method == .maximum {
      taps = Array(repeating: 0, count: runs.planes * geometry.outputSize * runs.run)
    }
  }

  /// Overwrites `output`; a maximum is remembered for `backward`.
  package func forward(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    withPooling { pooling in
      switch method {
      case .average: ck_pool_packed_average(pooling, input, output)
      case .maximum:
        taps.withUnsafeMutableBufferPointer {
          ck_pool_packed_maximum(pooling, input, $0.baseAddress, output)
        }
      }
    }
  }

  /// Overwrites `inputGradient`; a maximum's cells are those of the last `forward`.
  package func backward(
    _ gradient: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withPooling { pooling in
      switch method {
      case .average: ck_pool_packed_average_backward(pooling, gradient, inputGradient)
      case .maximum:
        taps.withUnsafeBufferPointer {
          ck_pool_packed_maximum_backward(pooling, gradient, $0.baseAddress, inputGradient)
        }
      }
    }
  }

  private func withPooling(_ body: (UnsafePointer<ck_packed_pooling>) -> Void) {
    windows.withUnsafeBufferPointer { windows in
      covering.withUnsafeBufferPointer { covering in
        guard let start = windows.baseAddress, let cover = covering.baseAddress else { return }
        var pooling = ck_packed_pooling(
          pooling: ck_pooling(
            planes: runs.planes, input: (input[0], input[1], input[2]),
            output: (output[0], output[1], output[2]),
            windows: (start, start + output[0], start + output[0] + output[1])),
          run: runs.run, kernel: (kernel[0], kernel[1], kernel[2]),
          covering: (cover, cover + input[0], cover + input[0] + input[1]))
        body(&pooling)
      }
    }
  }
}

extension PoolingGeometry {
  /// The windows of three axes, one axis after the other; leading axes of one cell where there are
  /// fewer.
  func windowsOfThreeAxes() -> [ck_window] {
    let whole = ck_window(start: 0, end: 1, span: 1)
    return Array(repeating: whole, count: 3 - input.count)
      + input.indices.flatMap { axis in
        (0..<output[axis]).map { index in
          let window = window(axis: axis, index: index)
          return ck_window(
            start: Int32(window.cells.lowerBound), end: Int32(window.cells.upperBound),
            span: Int32(window.span))
        }
      }
  }

  /// For each cell of the three axes, the outputs `start..<end` whose windows cover it.
  fileprivate func windowsCoveringThreeAxes() -> [ck_window] {
    let whole = ck_window(start: 0, end: 1, span: 1)
    return Array(repeating: whole, count: 3 - input.count)
      + input.indices.flatMap { axis in
        var covering = Array(repeating: ck_window(start: 0, end: 0, span: 0), count: input[axis])
        for index in 0..<output[axis] {
          for cell in window(axis: axis, index: index).cells {
            if covering[cell].end == 0 { covering[cell].start = Int32(index) }
            covering[cell].end = Int32(index + 1)
          }
        }
        return covering
      }
  }
}
