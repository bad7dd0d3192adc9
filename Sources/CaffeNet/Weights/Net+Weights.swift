import CaffeCore
import CaffeData
import CaffeErrors
import CaffeSchema

extension Net {
  /// Copies weights from a file, layer by layer of the same name; layers that the file does not have
  /// keep their values.
  ///
  /// - Parameters:
  ///   - skippingMismatches: layers whose blobs have another number or shape in the file keep their
  ///     values too, instead of an error (fine-tuning with another number of classes).
  ///   - report: told of layers of the file that the net does not have, and of those skipped.
  /// - Throws: an unreadable file, another number of blobs, another shape; the net is unchanged then.
  ///
  /// Source: BVLC Caffe, `Net::CopyTrainedLayersFrom`.
  public func loadWeights(
    from path: String, skippingMismatches: Bool = false, report: (String) -> Void = { _ in }
  ) throws {
    let weights = try Weights(contentsOf: path)
    try withPlace(path) {
      try copyWeights(weights, skippingMismatches: skippingMismatches, report: report)
    }
  }

  /// As `loadWeights(from:)`, but every learnable blob of the net gets its value from the file.
  ///
  /// - Parameter report: told of layers with blobs that the net does not have.
  /// - Throws: a layer that the file does not have, besides.
  package func loadAllWeights(from path: String, report: (String) -> Void) throws {
    let weights = try Weights(contentsOf: path)
    let names = Set(weights.layers.map(\.name))
    try withPlace(path) {
      for layer in layers where !owned(by: layer).isEmpty && !names.contains(layer.name) {
        throw CaffeError("there are no weights for layer '\(layer.name)' of the net")
      }
      try copyWeights(weights)
    }
    for source in weights.layers where layer(source.name) == nil && !source.blobs.isEmpty {
      report("Ignoring source layer \(source.name)")
    }
  }

  /// As `loadWeights(from:)`, from weights in memory.
  public func copyWeights(
    _ weights: Weights, skippingMismatches: Bool = false, report: (String) -> Void = { _ in }
  ) throws {
    var copies: [(source: BlobProto, target: Blob)] = []
    for source in weights.layers {
      guard let layer = layer(source.name) else {
        report("Ignoring source layer \(source.name)")
        continue
      }
      if let mismatch = mismatch(source, layer) {
        guard skippingMismatches else { throw CaffeError(mismatch.refusal) }
        report("Skipping layer \(source.name), which keeps its values: \(mismatch.difference)")
        continue
      }
      copies += try matched(source, layer)
    }
    for copy in copies { try copy.source.copyValues(to: copy.target.data) }
  }

  /// Why the blobs of a file's layer do not go into the layer of that name.
  private struct Mismatch {
    /// BVLC Caffe's sentence, and what to do.
    let refusal: String
    /// What the file has and what the net has.
    let difference: String
  }

  private func mismatch(_ source: Weights.Layer, _ layer: Layer) -> Mismatch? {
    let isComplete =
      source.blobs.count == layer.parameters.count
      || source.blobs.count < layer.parameters.count
        && owned(by: layer).allSatisfy { $0 < source.blobs.count && source.blobs[$0] != nil }
    guard isComplete else {
      let difference =
        "the file has \(source.blobs.count) blobs, the net \(layer.parameters.count)"
      return Mismatch(
        refusal:
          "Incompatible number of blobs for layer \(source.name): \(difference). Rename the layer, or give --skip-mismatch, to learn it from scratch.",
        difference: difference)
    }
    for (index, (blob, target)) in zip(source.blobs, layer.parameters).enumerated() {
      guard let blob, !blob.fits(target.shape) else { continue }
      return Mismatch(
        refusal:
          "Cannot copy param \(index) weights from layer '\(source.name)'; shape mismatch.  "
          + "Source param shape is \(blob.shapeText); target param shape is \(target.shape). "
          + "To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer, or give --skip-mismatch.",
        difference:
          "param \(index) has shape \(blob.shapeText) in the file, \(target.shape) in the net")
    }
    return nil
  }

  private func matched(
    _ source: Weights.Layer, _ layer: Layer
  ) throws -> [(source: BlobProto, target: Blob)] {
    let owned = owned(by: layer)
    return try zip(source.blobs, layer.parameters).enumerated().compactMap { index, pair in
      guard let blob = pair.0 else {
        guard owned.contains(index) else { return nil }
        throw CaffeError("blob \(index) of layer \(source.name) is missing")
      }
      guard blob.values.count == pair.1.count else {
        throw CaffeError(
          "blob \(index) of layer \(source.name) has \(blob.values.count) values for shape \(pair.1.shape)"
        )
      }
      return (blob, pair.1)
    }
  }

  private func owned(by layer: Layer) -> [Int] {
    layer.parameters.indices.filter { isOwner(layer, of: $0) }
  }

  /// Whether the parameter was first asked for in this place, rather than shared by name.
  private func isOwner(_ layer: Layer, of index: Int) -> Bool {
    let blob = layer.parameters[index]
    return owners[ObjectIdentifier(blob)] == layer.name
      && !layer.parameters[..<index].contains { $0 === blob }
  }

  /// Writes the learned values, as HDF5 if `path` ends in `.h5`, as binary protobuf otherwise; in
  /// full or not at all.
  ///
  /// - Parameter includingGradients: also what the gradients hold (`snapshot_diff`).
  public func saveWeights(to path: String, includingGradients: Bool = false) throws {
    try prepareWeights(path, includingGradients: includingGradients).commit()
  }

  /// The first half of `saveWeights`: the file is complete and waits for its name.
  package func prepareWeights(_ path: String, includingGradients: Bool) throws -> PreparedFile {
    if path.hasSuffix(".h5") {
      return try Weights.prepareHDF5(
        path,
        layers.map { layer in
          Weights.HDF5Layer(
            name: layer.name,
            values: layer.parameters.enumerated().map { index, blob in
              isOwner(layer, of: index) ? BlobProto(blob.data) : nil
            },
            gradients: includingGradients ? layer.parameters.map { BlobProto($0.diff) } : nil)
        })
    } else {
      var net = NetParameter()
      net.name = name
      net.layer = layers.map { layer in
        var parameter = layer.parameter
        // Caffe's loss layers write down the weight that they have by default.
        if parameter.lossWeight.isEmpty, let weight = layer.lossWeights.first, weight != 0 {
          parameter.lossWeight = [weight]
        }
        parameter.blobs = layer.parameters.map { proto($0, includingGradients) }
        return parameter
      }
      return try Weights.prepareBinary(net, path)
    }
  }

  private func proto(_ blob: Blob, _ includingGradients: Bool) -> BlobProto {
    var proto = BlobProto(blob.data)
    if includingGradients { proto.diff = blob.diff.values }
    return proto
  }
}
