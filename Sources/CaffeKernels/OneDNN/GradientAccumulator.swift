/// Adds a gradient in the layout a primitive chose to one in plain order.
///
/// Caffe adds the gradients of all iterations of an `iter_size` and of all layers that share a
/// parameter, so adding is the rule; oneDNN always overwrites.
final class GradientAccumulator {
  private let adding: Reorder
  private let region: Scratchpad.Region
  private let scratchpad: Scratchpad

  /// - Parameter region: `layout.byteCount` bytes of the scratchpad.
  init(layout: OneDNNMemoryLayout, region: Scratchpad.Region, of scratchpad: Scratchpad) throws {
    self.region = region
    self.scratchpad = scratchpad
    let plain = try MemoryDescriptor(layout.descriptor.extents, .plain)
    adding = try Reorder(from: layout.descriptor, to: plain, accumulating: true)
  }

  /// Where the primitive is to write.
  var target: UnsafeMutableRawPointer? { scratchpad.pointer(to: region) }

  /// Adds what the primitive has written to `target`.
  ///
  /// - Parameter gradient: nil if nobody wants it; the primitive writes it all the same.
  func add(to gradient: UnsafeMutablePointer<Float>?) {
    guard let gradient, let target else { return }
    adding.run(target, into: UnsafeMutableRawPointer(gradient))
  }
}
