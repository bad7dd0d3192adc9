/// Where a gradient is added up, in plain order.
package struct GradientSum {
  package let values: UnsafeMutablePointer<Float>
  /// All values are zero, so that overwriting them is adding.
  package let isZero: Bool

  package init(_ values: UnsafeMutablePointer<Float>, isZero: Bool) {
    self.values = values
    self.isZero = isZero
  }
}

/// Adds a gradient in the layout a primitive chose to one in plain order.
///
/// Caffe adds the gradients of all iterations of an `iter_size` and of all layers that share a
/// parameter; oneDNN always overwrites. The first of them may go straight to its place.
final class GradientAccumulator {
  private let adding: Reorder
  private let layout: OneDNNMemoryLayout
  private let region: Scratchpad.Region
  private let scratchpad: Scratchpad

  /// - Parameter region: `layout.byteCount` bytes of the scratchpad.
  init(layout: OneDNNMemoryLayout, region: Scratchpad.Region, of scratchpad: Scratchpad) throws {
    self.region = region
    self.scratchpad = scratchpad
    self.layout = layout
    let plain = try MemoryDescriptor(layout.descriptor.extents, .plain)
    adding = try Reorder(from: layout.descriptor, to: plain, accumulating: true)
  }

  /// Where the primitive is to write.
  ///
  /// - Parameter gradient: nil if nobody wants it; the primitive writes it all the same.
  func target(for gradient: GradientSum?) -> UnsafeMutableRawPointer? {
    if let gradient, isDirect(gradient) { return UnsafeMutableRawPointer(gradient.values) }
    return scratchpad.pointer(to: region)
  }

  /// Adds what the primitive has written to its target.
  func add(to gradient: GradientSum?) {
    guard let gradient, !isDirect(gradient), let written = scratchpad.pointer(to: region) else {
      return
    }
    if gradient.isZero {
      layout.unpack(written, into: gradient.values)
    } else {
      adding.run(written, into: UnsafeMutableRawPointer(gradient.values))
    }
  }

  private func isDirect(_ gradient: GradientSum) -> Bool { gradient.isZero && layout.isPlain }
}
