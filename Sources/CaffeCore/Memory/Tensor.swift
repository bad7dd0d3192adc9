import CaffeKernels

/// A shape over float32 storage that it may share with other tensors.
///
/// Values start as zeros. Plain order is row-major (NCHW for images) and is what `values` and every
/// plain pointer show; layers that agreed on another order use the `as:` variants, and a conversion
/// happens only where the two meet. A pointer is good until the tensor is next asked for anything.
public final class Tensor {
  public private(set) var shape: Shape
  package private(set) var storage: Storage
  private var offset = 0
  /// Set if the storage is longer than the tensor: a parameter store, of which this is a part.
  private var window: Window?

  /// What tensors on the same part of a parameter store have in common.
  private final class Window {
    var revision = 0
    /// The tensor's revision at which all values were zero.
    var zeroRevision: Int?
    /// The values were let go, and have not been overwritten since.
    var isGone = false
  }

  public init(_ shape: Shape) {
    self.shape = shape
    storage = Storage(count: shape.count)
  }

  /// A window of `shape.count` values on one long plain storage.
  init(_ shape: Shape, windowOn storage: Storage, at offset: Int) {
    precondition(
      offset >= 0 && offset + shape.count <= storage.count,
      "window \(offset)..<\(offset + shape.count) on \(storage.count) values")
    self.shape = shape
    self.storage = storage
    self.offset = offset
    window = Window()
  }

  public var count: Int { shape.count }

  /// All values in plain order.
  ///
  /// - Precondition: as many values are assigned as the tensor has.
  public var values: [Float] {
    get { Array(UnsafeBufferPointer(start: read(), count: count)) }
    set {
      precondition(newValue.count == count, "\(newValue.count) values for shape \(shape)")
      newValue.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { overwrite().update(from: base, count: count) }
      }
    }
  }

  /// Gives the tensor another shape, and room for it to all tensors that share its storage.
  ///
  /// The values stay if their number does, otherwise they are undefined.
  ///
  /// - Precondition: the tensor is not a window on a parameter store, or its count stays.
  public func reshape(_ shape: Shape) {
    if window != nil {
      precondition(shape.count == self.shape.count, "a window of \(self.shape) cannot be \(shape)")
    } else {
      storage.resize(to: shape.count)
    }
    self.shape = shape
  }

  /// Makes this tensor a view of `other`'s storage, under its own shape.
  ///
  /// - Precondition: both have as many values.
  package func share(_ other: Tensor) {
    precondition(count == other.count, "a view of \(other.shape) cannot have shape \(shape)")
    storage = other.storage
    offset = other.offset
    window = other.window
  }

  /// Takes memory from `pool` from now on.
  ///
  /// - Precondition: the tensor has none yet.
  package func draw(from pool: MemoryPool) { storage.pool = pool }

  /// A tensor of the same shape that takes memory from the same pool, if there is one.
  package func companion() -> Tensor {
    let other = Tensor(shape)
    other.storage.pool = storage.pool
    return other
  }

  /// Gives memory that is from a pool back to it; the values are zeros from then on.
  package func discard() { storage.discard() }

  /// Gives the memory back, whoever's it is. The values are undefined from then on, but their revision
  /// stays: for values of which their readers have made copies. A window on a parameter store must not be
  /// read again before it is overwritten.
  package func letGo() { letGo(0..<count) }

  /// The same, part by part, to whoever has a pointer to the values: with the last part all are gone, and in a
  /// window with the first.
  package func letGo(_ part: Range<Int>) {
    guard let window else {
      if part.upperBound == count { storage.letGo() }
      return
    }
    window.isGone = true
    storage.letGo(offset + part.lowerBound..<offset + part.upperBound)
  }

  /// Whether the values of a window on a parameter store were let go.
  package var isGone: Bool { window?.isGone ?? false }

  /// Gives the values to `other`, which has the same shape; one's own are undefined afterwards.
  /// Costs nothing but for a window on a parameter store, whose values are copied.
  package func moveValues(to other: Tensor) {
    precondition(
      shape == other.shape && other.window == nil, "\(shape) cannot be moved to \(other.shape)")
    if window != nil {
      other.overwrite().update(from: read(), count: count)
    } else {
      storage.exchange(with: other.storage)
    }
  }

  /// Another number whenever the values may have changed, here or through another tensor that shares
  /// them. Changes to one part of a parameter store leave the revisions of its other parts.
  package var revision: Int { storage.revision + (window?.revision ?? 0) }

  /// How often the values were moved between plain and packed order.
  package var conversions: Int { storage.conversions }

  package func shares(_ other: Tensor) -> Bool {
    storage === other.storage && offset == other.offset
  }
}

// MARK: - Plain order

extension Tensor {
  /// The values, to be read.
  package func read() -> UnsafePointer<Float> {
    precondition(!isGone, "the values were let go: a layer alone has them")
    return UnsafePointer(storage.readPlain() + offset)
  }

  /// Room for values that replace all of the present ones.
  package func overwrite() -> UnsafeMutablePointer<Float> {
    guard let window else { return storage.overwritePlain() }
    window.isGone = false
    return update()
  }

  /// The values, to be changed.
  package func update() -> UnsafeMutablePointer<Float> {
    guard let window else { return storage.updatePlain() }
    precondition(!isGone, "the values were let go: a layer alone has them")
    window.revision += 1
    return storage.updateWindow() + offset
  }
}

// MARK: - Gradients of parameters

extension Tensor {
  /// Says of a part of a parameter store that all its values have just become zero.
  package func noteZeros() { window?.zeroRevision = revision }

  /// The values, to be added to; tells if they are known to be zeros.
  package func accumulate() -> GradientSum {
    let isZero = window.map { $0.zeroRevision == revision } ?? false
    return GradientSum(update(), isZero: isZero)
  }
}

// MARK: - Packed order

extension Tensor {
  /// The packed layout that holds the newest values, `nil` if they are in plain order, or in one of another
  /// shape under which they were written: a view under its own shape shows them in plain order alone.
  /// Of float32 values: those that are rounded are widened for whoever reads them so.
  package var layout: (any PackedLayout)? {
    guard let exact = storedLayout?.exact, !exact.isPlain else { return nil }
    return exact
  }

  /// As `layout`, in the precision that the values have.
  package var storedLayout: (any PackedLayout)? {
    storage.layout.flatMap { $0.extents == shape.dimensions ? $0 : nil }
  }

  /// Whether the newest values are bfloat16.
  package var isRounded: Bool { storedLayout?.isRounded ?? false }

  /// `plain`, `channels last`, `blocked by 16 channels`…
  package var orderName: String { storedLayout?.orderName ?? "plain" }

  package func read(as layout: any PackedLayout) -> UnsafeRawPointer {
    layout.isPlain
      ? UnsafeRawPointer(read()) : UnsafeRawPointer(whole().read(as: layout))
  }

  package func overwrite(as layout: any PackedLayout) -> UnsafeMutableRawPointer {
    layout.isPlain ? UnsafeMutableRawPointer(overwrite()) : whole().overwrite(as: layout)
  }

  package func update(as layout: any PackedLayout) -> UnsafeMutableRawPointer {
    layout.isPlain ? UnsafeMutableRawPointer(update()) : whole().update(as: layout)
  }

  private func whole() -> Storage {
    precondition(window == nil, "a window on a parameter store has no packed layout")
    return storage
  }
}
