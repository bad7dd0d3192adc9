import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema
import Foundation

/// What Data, ImageData and WindowData have in common: batches of images and labels, which
/// `data_param.workers` threads prepare up to `data_param.prefetch` ahead.
///
/// - Tops: the images, `[batch_size, c, h, w]`, and optionally the labels, `[batch_size]`, or
///   `[batch_size, n]` if an image has n of them.
///
/// Source: BVLC Caffe, `base_data_layer.cpp`.
package class ImageBatchLayer: Layer, DataWaiting {
  private let source: any ImageBatchSource
  private let pool: BatchPool
  private let prefetcher: Prefetcher<ImageBatch>
  private let report: (String) -> Void

  /// How many records could not be used so far, counted each time they came.
  package private(set) var damagedCount = 0
  package var waited: Duration { prefetcher.waited }

  init(
    _ parameter: LayerParameter, context: LayerContext, source: some ImageBatchSource
  ) throws {
    let depth = parameter.dataParam.prefetch
    guard depth > 0 else { throw CaffeError("prefetch must be positive, got \(depth)") }
    let workers = parameter.dataParam.workers
    guard (1...Self.mostWorkers).contains(workers) else {
      throw CaffeError("workers must be in 1..\(Self.mostWorkers), got \(workers)")
    }
    _ = try ImageBatch.shape(count: source.batchSize, source.firstExtents)
    let pool = BatchPool()
    self.pool = pool
    self.source = source
    report = context.report
    prefetcher = Prefetcher(
      // Several workers can only be busy if as many batches may be in the making.
      name: parameter.name, depth: max(depth, workers), workers: workers, gather: source.gather
    ) { number, raw in
      var batch =
        pool.take()
        ?? ImageBatch(
          count: source.batchSize, extents: source.firstExtents, labelsEach: source.labelsEach)
      try source.fill(&batch, number: number, from: raw)
      return batch
    }
    try super.init(parameter, context: context)
  }

  /// More threads than any machine has use for.
  private static let mostWorkers = 256

  package override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let images = try ImageBatch.shape(count: source.batchSize, source.firstExtents)
    return parameter.top.count > 1 ? [images, try labelShape(source.batchSize)] : [images]
  }

  package override func forward() throws {
    let batch = try prefetcher.next()
    tellDamage(of: batch)
    let items = min(batch.count, itemLimit ?? batch.count)
    top[0].reshape(try ImageBatch.shape(count: items, batch.extents))
    batch.values.withUnsafeBufferPointer { values in
      if let start = values.baseAddress {
        Vector.copy(start, count: top[0].count, into: top[0].data.overwrite())
      }
    }
    if top.count > 1 {
      top[1].reshape(try labelShape(items))
      top[1].data.values = Array(batch.labels.prefix(top[1].count))
    }
    pool.put(consume batch)
  }

  private func labelShape(_ items: Int) throws -> Shape {
    try Shape(source.labelsEach == 1 ? [items] : [items, source.labelsEach])
  }

  /// How many records an epoch has; nil where items are drawn at random without end. A database that
  /// does not keep the number reads itself once to find it.
  package override func recordCount() throws -> Int? { try source.recordCount }

  private func tellDamage(of batch: ImageBatch) {
    for reason in batch.damage {
      damagedCount += 1
      report("\(reason); skipped, \(damagedCount) so far")
    }
  }

  package override func seek(toPass pass: UInt64) throws {
    prefetcher.restart(at: Int(pass))
  }
}

/// Batches whose memory may be used again.
private final class BatchPool: @unchecked Sendable {  // all state is guarded by `lock`
  private let lock = NSLock()
  private var spare: [ImageBatch] = []

  func take() -> ImageBatch? { lock.withLock { spare.popLast() } }

  /// Consumes the batch: whoever takes it next must be its only owner, or writing copies it.
  func put(_ batch: consuming ImageBatch) {
    lock.lock()
    defer { lock.unlock() }
    spare.append(batch)
  }
}

// MARK: What the layers read from their prototxt

extension ImageBatchLayer {
  /// A seed of the layer's own, for each of its uses of random numbers.
  static func seed(
    of parameter: LayerParameter, _ context: LayerContext, use: String = ""
  ) -> UInt64 {
    RandomStream(seed: context.seed, name: parameter.name + use).key
  }

  /// What `transform_param` says, its mean file found and read.
  static func transformSettings(
    of parameter: LayerParameter, _ context: LayerContext
  ) throws -> TransformSettings {
    var transform = parameter.transformParam
    if transform.hasMeanFile { transform.meanFile = context.resolve(transform.meanFile) }
    return try withPlace("transform_param") { try TransformSettings(transform) }
  }

  static func transformer(
    of parameter: LayerParameter, _ context: LayerContext
  ) throws -> DataTransformer {
    let isTraining = (parameter.hasPhase ? parameter.phase : context.phase) == .train
    let settings = try transformSettings(of: parameter, context)
    return try withPlace("transform_param") {
      try DataTransformer(settings, isTraining: isTraining)
    }
  }

  static func checkBatchSize(_ size: Int) throws {
    guard size > 0 else { throw CaffeError("batch_size must be positive, got \(size)") }
  }

  /// Caffe reads these fields in old nets only, where the upgrade has moved them.
  static func reportIgnored(
    _ fields: KeyValuePairs<String, Bool>, of message: String, _ context: LayerContext
  ) {
    for (field, isSet) in fields where isSet {
      context.report("\(message).\(field) is ignored, as by Caffe; it belongs in transform_param")
    }
  }
}
