import COneDNN
import CaffeKernelsC

/// Extents and type of a tensor and the order of its values in memory, as oneDNN describes them.
///
/// Of all code outside this file only operation descriptors look at `raw`. A value without
/// references, which the compiler cannot see through the C unions.
struct MemoryDescriptor: @unchecked Sendable {
  enum Order {
    /// Left to the primitive.
    case any
    /// Row-major: the last axis is contiguous.
    case plain
    /// The first axis is contiguous: plain order of the extents turned round.
    case transposed
    /// The second axis is contiguous: NWC, NHWC, NDHWC.
    case channelsLast
    /// Channels in blocks, which are contiguous: nChw16c for 16.
    case blocked(Int)
  }

  private(set) var raw = dnnl_memory_desc_t()

  init(_ raw: dnnl_memory_desc_t) {
    self.raw = raw
  }

  init(_ extents: [Int], _ order: Order, _ precision: Precision = .float32) throws {
    let type = precision.type
    let rank = Int32(extents.count)
    let dims = extents.map(Int64.init)
    switch order {
    case .any:
      try check(
        dnnl_memory_desc_init_by_tag(&raw, rank, dims, type, dnnl_format_tag_any),
        "memory descriptor")
    case .plain: try self.order(by: Array(extents.indices), extents, type)
    case .transposed: try self.order(by: extents.indices.reversed(), extents, type)
    case .channelsLast:
      let axes = Array(extents.indices)
      try self.order(by: rank < 3 ? axes : [0] + axes[2...] + [1], extents, type)
    case .blocked(let block):
      guard let tag = Self.blockedTags[block]?[extents.count] else {
        throw EngineRefusal(
          "it has no order of \(extents.count) axes in blocks of \(block) channels")
      }
      try check(
        dnnl_memory_desc_init_by_tag(&raw, rank, dims, type, tag), "memory descriptor")
    }
  }

  /// By the channels of a block and the number of axes.
  private static let blockedTags: [Int: [Int: dnnl_format_tag_t]] = [
    4: [3: dnnl_aBc4b, 4: dnnl_aBcd4b, 5: dnnl_aBcde4b],
    8: [3: dnnl_aBc8b, 4: dnnl_aBcd8b, 5: dnnl_aBcde8b],
    16: [3: dnnl_aBc16b, 4: dnnl_aBcd16b, 5: dnnl_aBcde16b],
  ]

  private mutating func order(
    by outerToInner: [Int], _ extents: [Int], _ type: dnnl_data_type_t
  ) throws {
    try check(
      dnnl_memory_desc_init_by_strides(
        &raw, Int32(extents.count), extents.map(Int64.init), type,
        Self.strides(of: extents, outerToInner: outerToInner)),
      "memory descriptor")
  }

  /// The same extents and order for values of another precision.
  func holding(_ precision: Precision) -> MemoryDescriptor {
    var other = self
    other.raw.data_type = precision.type
    return other
  }

  /// Whether it holds values of this precision.
  func holds(_ precision: Precision) -> Bool { raw.data_type == precision.type }

  private static func strides(of extents: [Int], outerToInner axes: [Int]) -> [Int64] {
    var strides = [Int64](repeating: 1, count: extents.count)
    var step = 1
    for axis in axes.reversed() {
      strides[axis] = Int64(step)
      step *= max(extents[axis], 1)
    }
    return strides
  }

  /// Bytes the tensor takes, padding included.
  var byteCount: Int {
    withUnsafePointer(to: raw) { Int(dnnl_memory_desc_get_size($0)) }
  }

  var extents: [Int] { Self.values(raw.dims, count: Int(raw.ndims)) }

  private static func values(_ tuple: some Any, count: Int) -> [Int] {
    withUnsafeBytes(of: tuple) { $0.bindMemory(to: Int64.self).prefix(count).map(Int.init) }
  }

  /// Where a value lies, for orders that block at most the channels; nil for all others.
  var channelBlocking: ChannelBlocking? {
    guard raw.format_kind == dnnl_blocked else { return nil }
    let blocking = raw.format_desc.blocking
    let strides = Self.values(blocking.strides, count: Int(raw.ndims))
    switch blocking.inner_nblks {
    case 0: return ChannelBlocking(block: 1, strides: strides)
    case 1 where blocking.inner_idxs.0 == 1:
      return ChannelBlocking(block: Int(blocking.inner_blks.0), strides: strides)
    default: return nil
    }
  }

  /// How a matrix of bfloat16 values lies whose columns go in pairs, for all of `ck_round_pairs`; `nil` for
  /// other orders.
  var pairs: ck_pairs? {
    guard raw.format_kind == dnnl_blocked, holds(.bfloat16), raw.ndims == 2 else { return nil }
    let blocking = raw.format_desc.blocking
    let (blocks, axes) = (blocking.inner_blks, blocking.inner_idxs)
    guard blocking.inner_nblks == 3, (axes.0, axes.1, axes.2) == (1, 0, 1), blocks.2 == 2,
      (1...64).contains(blocks.1), (1...128).contains(blocks.0), 128 % blocks.0 == 0
    else { return nil }
    let order = ck_pairs(
      rows: extents[0], columns: extents[1], block_rows: Int(blocks.1), pairs: Int(blocks.0))
    let size = 2 * order.pairs * order.block_rows
    let across = (order.columns + 2 * order.pairs - 1) / (2 * order.pairs)
    let strides = Self.values(blocking.strides, count: 2)
    return strides == [across * size, size] ? order : nil
  }

  /// Equal bytes have equal meaning. Strides of axes with a single element do not matter.
  func isEqual(to other: MemoryDescriptor) -> Bool {
    let same = withUnsafePointer(to: raw) { mine in
      withUnsafePointer(to: other.raw) { dnnl_memory_desc_equal(mine, $0) != 0 }
    }
    if same { return true }
    guard raw.data_type == other.raw.data_type, extents == other.extents,
      let mine = channelBlocking, let theirs = other.channelBlocking,
      mine.block == theirs.block
    else { return false }
    return extents.indices.allSatisfy { axis in
      let steps = axis == 1 ? (extents[axis] + mine.block - 1) / mine.block : extents[axis]
      return steps <= 1 || mine.strides[axis] == theirs.strides[axis]
    }
  }
}

extension Precision {
  fileprivate var type: dnnl_data_type_t { self == .float32 ? dnnl_f32 : dnnl_bf16 }
}

/// The order of a tensor whose channels lie in blocks of `block` (1 for plain and channels-last).
///
/// `strides[1]` is the distance of two blocks, every other stride that of two neighbours.
struct ChannelBlocking {
  let block: Int
  let strides: [Int]
}
