import CaffeCore
import CaffeKernels
import CaffeTestSupport
import Testing

/// The values backwards, to be told from plain order, and how often they were turned.
private final class Reversed: PackedLayout, @unchecked Sendable {  // used by one thread
  let count: Int
  private(set) var conversions = 0
  let isPlain: Bool
  let channelExtents: ChannelExtents? = nil
  let channelRuns: ChannelRuns? = nil

  init(_ count: Int, isPlain: Bool = false) {
    self.count = count
    self.isPlain = isPlain
  }

  var extents: [Int] { [count] }
  var byteCount: Int { count * 4 }
  var orderName: String { "reversed" }
  var isRounded: Bool { false }
  var exact: Reversed { self }
  var rounded: Reversed { self }
  func resized(to extents: [Int]) -> (any PackedLayout)? { nil }
  func resized(channels: Int) -> (any PackedLayout)? { nil }
  func isEqual(to other: any PackedLayout) -> Bool { (other as? Reversed)?.count == count }

  func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
    let packed = packed.assumingMemoryBound(to: Float.self)
    conversions += 1
    for index in 0..<count { packed[index] = plain[count - 1 - index] }
  }

  func unpack(_ packed: UnsafeRawPointer, into plain: UnsafeMutablePointer<Float>) {
    let packed = packed.assumingMemoryBound(to: Float.self)
    conversions += 1
    for index in 0..<count { plain[index] = packed[count - 1 - index] }
  }
}

@Suite struct TensorTests {
  private func tensor(_ values: Float...) throws -> Tensor {
    let tensor = Tensor(try Shape([values.count]))
    tensor.values = values
    return tensor
  }

  private func floats(_ pointer: UnsafeRawPointer) -> [Float] {
    let start = pointer.assumingMemoryBound(to: Float.self)
    return Array(UnsafeBufferPointer(start: start, count: 3))
  }

  /// Each order is converted once, however often it is read.
  @Test func readingBothOrdersConvertsOnce() throws {
    let (tensor, order) = (try tensor(1, 2, 3), Reversed(3))
    for _ in 0..<3 {
      #expect(floats(tensor.read(as: order)) == [3, 2, 1])
      #expect(tensor.values == [1, 2, 3])
    }
    #expect(order.conversions == 1)
  }

  /// A chain of layers in one packed order never converts.
  @Test func writingAndReadingPackedDoesNotConvert() throws {
    let (tensor, order) = (try tensor(1, 2, 3), Reversed(3))
    let packed = tensor.overwrite(as: order).assumingMemoryBound(to: Float.self)
    for index in 0..<3 { packed[index] = Float(10 * index) }
    #expect(floats(tensor.read(as: Reversed(3))) == [0, 10, 20])
    #expect(order.conversions == 0 && tensor.layout === order)
    #expect(tensor.values == [20, 10, 0] && order.conversions == 1)
  }

  /// Rounded values are seen in the order of float32 values; who reads them so has them widened there.
  @Test(arguments: [true, false]) func roundedValuesAreWidenedForThoseWhoAsk(isPooled: Bool) throws
  {
    let exact = try OneDNNMemoryLayout.channelsLast([2, 3, 1, 2])
    let tensor = Tensor([2, 3, 1, 2])
    if isPooled { tensor.draw(from: MemoryPool(expecting: 0)) }
    let values = (0..<12).map { 1 + Float($0) / 1000 }
    tensor.values = values
    _ = tensor.update(as: exact.rounded)
    #expect(tensor.isRounded && tensor.orderName == "channels last, bfloat16")
    #expect(try #require(tensor.layout).isEqual(to: exact))
    #expect(tensor.conversions == 1)
    let bits = tensor.read(as: exact.rounded).assumingMemoryBound(to: UInt16.self)
    #expect((0..<12).allSatisfy { (0x3f80...0x3f82).contains(bits[$0]) })
    // In the same order.
    let wide = tensor.read(as: exact).assumingMemoryBound(to: Float.self)
    let inOrder = [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11].map { bfloat16(values[$0]) }
    #expect((0..<12).map { wide[$0] } == inOrder)
    #expect(!tensor.isRounded && tensor.conversions == 2)
    #expect(tensor.values == values.map(bfloat16))
    // And back again, though plain values are at hand.
    _ = tensor.update(as: exact.rounded)
    #expect(tensor.isRounded && tensor.values == values.map(bfloat16))
    // A view of another shape sees plain values.
    let view = Tensor([4, 3])
    _ = tensor.update(as: exact.rounded)
    view.share(tensor)
    #expect(!view.isRounded && view.layout == nil && view.values == values.map(bfloat16))
  }

  @Test func announcingAnOrderTakesNoMemory() throws {
    let pool = MemoryPool(expecting: 0)
    let tensor = Tensor([3])
    tensor.draw(from: pool)
    let order = Reversed(3)
    tensor.announce(order)
    #expect(tensor.layout === order && pool.byteCount == 0)
    tensor.announce(nil)
    #expect(tensor.layout == nil && pool.byteCount == 0)
  }

  @Test func theNewestOrderCounts() throws {
    let (tensor, order) = (try tensor(1, 2, 3), Reversed(3))
    tensor.update(as: order).assumingMemoryBound(to: Float.self)[0] = 30
    #expect(tensor.values == [1, 2, 30])
    tensor.update()[0] = 10
    #expect(floats(tensor.read(as: order)) == [30, 2, 10])
    tensor.values = [7, 8, 9]
    #expect(tensor.layout == nil)
    #expect(floats(tensor.read(as: order)) == [9, 8, 7])
  }

  @Test func plainLayoutsAreNoOrderOfTheirOwn() throws {
    let (tensor, order) = (try tensor(1, 2, 3), Reversed(3, isPlain: true))
    #expect(floats(tensor.read(as: order)) == [1, 2, 3])
    _ = tensor.update(as: order)
    #expect(tensor.layout == nil && order.conversions == 0)
  }

  @Test func viewsShareValuesInEitherOrder() throws {
    let (tensor, view) = (try tensor(1, 2, 3), Tensor([3, 1]))
    view.share(tensor)
    #expect(view.shares(tensor) && view.shape == [3, 1])
    view.update(as: Reversed(3)).assumingMemoryBound(to: Float.self)[2] = 5
    #expect(tensor.values == [5, 2, 3])
  }

  @Test func reshapingKeepsValuesOfTheSameCount() throws {
    let tensor = try tensor(1, 2, 3, 4, 5, 6)
    tensor.reshape([2, 3])
    #expect(tensor.values == [1, 2, 3, 4, 5, 6])
    tensor.reshape([4, 3])
    tensor.values = Array(repeating: 2, count: 12)
    tensor.reshape([1, 3])
    #expect(tensor.values == [2, 2, 2])
  }

  @Test(arguments: [[1], [3], [1 << 12], [1 << 18]] as [Shape])
  func memoryIsZeroedAndAligned(shape: Shape) {
    let tensor = Tensor(shape)
    #expect(Int(bitPattern: tensor.read()) % 64 == 0)
    #expect(tensor.values.allSatisfy { $0 == 0 })
  }
}

@Suite struct ParameterStoreTests {
  @Test func memoryThatIsLetGoKeepsItsRevision() {
    let tensor = Tensor([3])
    tensor.values = [1, 2, 3]
    let revision = tensor.revision
    tensor.letGo()
    #expect(tensor.revision == revision)
    #expect(tensor.values == [0, 0, 0], "new memory")
  }

  /// The system gets whole pages back; the neighbours, which share the first and the last one, stay.
  @Test func aWindowThatIsLetGoGivesItsPagesBack() throws {
    let store = try ParameterStore([("a", [5]), ("b", [1 << 14]), ("c", [5])])
    for blob in store.blobs { blob.data.values = Array(repeating: 3, count: blob.count) }
    let window = store.blobs[1].data
    let revision = window.revision
    window.letGo()
    #expect(window.isGone && window.revision == revision)
    let left = store.data.values[store.segments[1].offset...].prefix(1 << 14)
    #expect(left.count { $0 == 0 } >= 1 << 14 - 2 << 10)
    for blob in [store.blobs[0], store.blobs[2]] {
      #expect(!blob.data.isGone && blob.data.values == Array(repeating: 3, count: 5))
    }
    window.values = Array(repeating: 4, count: 1 << 14)
    #expect(!window.isGone && window.revision != revision)
    #expect(window.values.allSatisfy { $0 == 4 })
  }

  @Test func parametersAreWindowsOnOneBuffer() throws {
    let store = try ParameterStore([("a", [3]), ("b", [2, 10]), ("c", [])])
    // Each begins on a cache line of 16 floats.
    #expect(store.segments.map(\.offset) == [0, 16, 48] && store.count == 64)
    let ramp = (0..<20).map(Float.init)
    store.blobs[1].data.values = ramp
    store.blobs[2].diff.values = [7]
    #expect(store.data.values[16..<36].elementsEqual(ramp))
    #expect(store.data.values[36...].allSatisfy { $0 == 0 })
    #expect(store.gradient.values[48] == 7 && store.gradient.values.reduce(0, +) == 7)
    // Overwriting one window leaves its neighbours alone.
    store.blobs[0].data.overwrite().update(repeating: 9, count: 3)
    #expect(store.blobs[1].data.values == ramp)
  }

  @Test func historiesAreWindowsToo() throws {
    let store = try ParameterStore([("a", [3]), ("b", [2])])
    store.prepareHistory(2)
    store.prepareHistory(1)
    #expect(store.history.count == 2)
    store.history(1, of: 1).values = [4, 5]
    #expect(store.history[1].values[16..<18] == [4, 5])
    #expect(store.history[0].values.allSatisfy { $0 == 0 })
  }

  @Test func gradientsAreKnownToBeZeroUntilTheyAreWritten() throws {
    let store = try ParameterStore([("a", [3]), ("b", [2])])
    let (a, b) = (store.blobs[0].diff, store.blobs[1].diff)
    #expect(!a.accumulate().isZero)
    store.clearGradients()
    #expect(a.accumulate().isZero)
    #expect(!a.accumulate().isZero && b.accumulate().isZero)
    store.clearGradients()
    let view = Tensor([3])
    view.share(a)
    view.values = [1, 2, 3]
    #expect(!a.accumulate().isZero)
    store.clearGradients()
    _ = store.gradient.update()
    #expect(!b.accumulate().isZero)
  }

  @Test func tooManyParametersAreRefused() {
    let refused = refusal { _ = try ParameterStore([("a", [1 << 30]), ("b", [1 << 30])]) }
    #expect(refused == "all parameters together: blob size exceeds 2147483647 values: 2147483648")
  }
}
