/// Makes oneDNN's mean over an overhanging last window Caffe's.
///
/// oneDNN divides by all cells of the kernel; Caffe by those within the bottom and its pad. Only
/// the last window of an axis can overhang, so the last row (column, …) of the output is multiplied
/// by `kernel / cells within`, on every axis by itself. The gradient wants the same factors.
struct OverhangCorrection {
  private struct Edge {
    let axis: Int
    let factor: Float
  }

  private let edges: [Edge]
  private let extents: [Int]
  private let blocking: ChannelBlocking

  /// Nil if no window overhangs.
  ///
  /// - Parameter layout: that of the output.
  /// - Throws: `EngineRefusal` if the layout does not tell where the last row lies.
  init?(_ geometry: PoolingGeometry, layout: MemoryDescriptor) throws {
    edges = geometry.input.indices.compactMap { axis in
      let start = (geometry.output[axis] - 1) * geometry.stride[axis] - geometry.pad[axis]
      let within = min(geometry.kernel[axis], geometry.input[axis] + geometry.pad[axis] - start)
      guard within < geometry.kernel[axis] else { return nil }
      return Edge(axis: axis + 2, factor: Float(geometry.kernel[axis]) / Float(within))
    }
    guard !edges.isEmpty else { return nil }
    guard let blocking = layout.channelBlocking else {
      throw EngineRefusal("its average divides an overhanging window by another count than Caffe")
    }
    self.blocking = blocking
    extents = layout.extents
  }

  func apply(to values: UnsafeMutableRawPointer) {
    let values = values.assumingMemoryBound(to: Float.self)
    for edge in edges {
      var starts = extents
      starts[edge.axis] = 1
      scale(values + (extents[edge.axis] - 1) * blocking.strides[edge.axis], starts, edge.factor)
    }
  }

  /// Multiplies a box of cells whose first one is `first`.
  private func scale(_ first: UnsafeMutablePointer<Float>, _ box: [Int], _ factor: Float) {
    let (strides, block) = (blocking.strides, blocking.block)
    let blocks = (box[1] + block - 1) / block
    // Neighbouring blocks make one run, as in channels-last order.
    let (runs, length) = strides[1] == block ? (1, blocks * block) : (blocks, block)
    let axes = [0] + box.indices.dropFirst(2)
    for cell in 0..<axes.map({ box[$0] }).product {
      var (rest, offset) = (cell, 0)
      for axis in axes.reversed() {
        offset += rest % box[axis] * strides[axis]
        rest /= box[axis]
      }
      for run in 0..<runs {
        let values = first + offset + run * strides[1]
        for index in 0..<length { values[index] *= factor }
      }
    }
  }
}

extension [Int] {
  fileprivate var product: Int { reduce(1, *) }
}
