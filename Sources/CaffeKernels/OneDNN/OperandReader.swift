import CaffeKernelsC

/// Hands a primitive the float32 values of its caller: as they are or, where it multiplies bfloat16,
/// rounded to a region of the scratchpad.
struct OperandReader {
  /// The order in which the caller has the values.
  let layout: OneDNNMemoryLayout
  private let region: Scratchpad.Region
  private let scratchpad: Scratchpad
  private let isRounding: Bool

  /// Bytes of the region that the argument needs, possibly none.
  static func byteCount(_ argument: Argument, of chosen: PrimitiveDescriptor) -> Int {
    guard let memory = chosen.memory(argument), memory.holds(.bfloat16) else { return 0 }
    return memory.byteCount
  }

  init(
    _ argument: Argument, of chosen: PrimitiveDescriptor, region: Scratchpad.Region,
    of scratchpad: Scratchpad
  ) {
    let memory = chosen.layout(argument).descriptor
    layout = OneDNNMemoryLayout(memory.holding(.float32))
    isRounding = memory.holds(.bfloat16)
    self.region = region
    self.scratchpad = scratchpad
  }

  /// What the primitive is to read; valid until the next run on this scratchpad.
  func read(_ values: UnsafeRawPointer) -> UnsafeRawPointer? {
    guard isRounding else { return values }
    guard let rounded = scratchpad.pointer(to: region) else { return nil }
    ck_round_bfloat16(
      values.assumingMemoryBound(to: Float.self), layout.byteCount / MemoryLayout<Float>.size,
      rounded.assumingMemoryBound(to: UInt16.self))
    return UnsafeRawPointer(rounded)
  }
}
