import CaffeCore

extension Net {
  /// Layers that run once for each micro-batch.
  struct Sweep {
    let layers: Range<Int>
    /// The blobs of the whole batch that go into them.
    let entries: [Blob]
    /// The blobs from outside whose values may go after the last micro-batch.
    let ending: [Blob]
    let batches: MicroBatches
  }

  /// Takes a batch through these layers.
  func run(_ sweep: Sweep) throws {
    let firstOfTheDescription = steps[sweep.layers.lowerBound + sweep.entries.count]
    let count = try locate(firstOfTheDescription) {
      try sweep.batches.begin(sweep.entries.map { $0.shape[0] })
    }
    for number in 0..<count {
      sweep.batches.advance(to: number)
      for index in sweep.layers { _ = try run(steps[index]) }
    }
    for blob in sweep.ending { blob.data.discard() }
  }
}
