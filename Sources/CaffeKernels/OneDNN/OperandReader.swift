import CaffeKernelsC

/// How a caller has what a primitive sees as a matrix with one row for each cell: the blob, channels last,
/// of a convolution whose windows are single cells.
struct CellRows {
  /// Of the whole blob, float32.
  let layout: OneDNNMemoryLayout
  /// The cells that are rows; `nil` if all are, and lie as the rows do.
  let cells: ck_cells?
}

/// Values of a caller's: float32 or, rounded, bfloat16.
package struct Operand {
  let values: UnsafeRawPointer
  let isRounded: Bool

  package init(_ values: UnsafeRawPointer, isRounded: Bool = false) {
    self.values = values
    self.isRounded = isRounded
  }
}

/// Hands a primitive the values of its caller: as they are or, where it multiplies bfloat16, rounded to a
/// region of the scratchpad.
struct OperandReader {
  /// The order in which the caller has the values, of float32.
  let layout: OneDNNMemoryLayout
  private let cells: ck_cells?
  private let memory: MemoryDescriptor
  private let region: Scratchpad.Region
  private let scratchpad: Scratchpad

  /// Bytes of the region that the argument needs, possibly none.
  static func byteCount(_ argument: Argument, of chosen: PrimitiveDescriptor) -> Int {
    guard let memory = chosen.memory(argument), memory.holds(.bfloat16) else { return 0 }
    return memory.byteCount
  }

  init(
    _ argument: Argument, of chosen: PrimitiveDescriptor, from rows: CellRows? = nil,
    region: Scratchpad.Region, of scratchpad: Scratchpad
  ) {
    self.init(
      chosen.layout(argument).descriptor, from: rows, region: region, of: scratchpad)
  }

  /// - Parameters:
  ///   - memory: what the primitive reads; bfloat16 if only some cells of `rows` are.
  ///   - region: `memory.byteCount` bytes if that is bfloat16.
  init(
    _ memory: MemoryDescriptor, from rows: CellRows? = nil, region: Scratchpad.Region,
    of scratchpad: Scratchpad
  ) {
    layout = rows?.layout ?? OneDNNMemoryLayout(memory.holding(.float32))
    cells = rows?.cells
    self.memory = memory
    self.region = region
    self.scratchpad = scratchpad
  }

  /// Whether values are rounded, unless they come so.
  var takesRounded: Bool { memory.holds(.bfloat16) }

  /// What the primitive is to read; valid until the next run on this scratchpad.
  ///
  /// - Parameter operand: rounded only if the reader takes that.
  func read(_ operand: Operand) -> UnsafeRawPointer? {
    guard takesRounded, cells != nil || !operand.isRounded else { return operand.values }
    guard let rounded = scratchpad.pointer(to: region) else { return nil }
    if let cells {
      let target = rounded.assumingMemoryBound(to: UInt16.self)
      withUnsafePointer(to: cells) {
        ck_round_cells($0, operand.values, operand.isRounded, target)
      }
    } else {
      BFloat16.round(
        operand.values, count: memory.byteCount / MemoryLayout<UInt16>.size, into: rounded)
    }
    return UnsafeRawPointer(rounded)
  }
}
