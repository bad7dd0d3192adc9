import ArgumentParser
import Caffe
import Logging

struct ExtractFeatures: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract-features",
    abstract: "Write what blobs of a net hold, batch by batch, to LMDB, LevelDB or HDF5.",
    discussion: """
      Example: caffe-swift extract-features net.caffemodel train_val.prototxt fc6,fc7 fc6_db,fc7_db 10 lmdb

      Runs the net in phase TEST. LMDB and LevelDB get a Datum of floats for each row, under the keys \
      0000000000, 0000000001, …; HDF5 a dataset of the blob's name, which HDF5Data reads.
      """,
    aliases: ["extract_features"])

  @Argument(help: "The weights: .caffemodel or .caffemodel.h5.")
  var weights: String

  @Argument(help: "The net, with a data layer.")
  var model: String

  @Argument(help: "The blobs, separated by commas.")
  var blobs: String

  @Argument(help: "What to make of each blob, separated by commas; must not exist.")
  var outputs: String

  @Argument(help: "How many batches.")
  var batches: Int

  @Argument(help: "lmdb, leveldb or hdf5.")
  var format: FeatureFormat

  @Argument(help: "Accepted for scripts written for Caffe: CPU or GPU, and the device.")
  var device: [String] = []

  @OptionGroup var state: StateOptions
  @OptionGroup var engine: EngineOptions

  func validate() throws {
    if batches < 1 { throw ValidationError("batches must be at least 1, got \(batches)") }
    let (names, paths) = (names, paths)
    if names.count != paths.count {
      throw ValidationError("\(names.count) blobs need as many outputs, got \(paths.count)")
    }
  }

  private var names: [String] { blobs.split(separator: ",").map(String.init) }
  private var paths: [String] { outputs.split(separator: ",").map(String.init) }

  func run() throws {
    let log = Logger(label: "caffe")
    engine.report(to: log)
    var description = try NetParameter.read(model) { log.info("\($0)") }
    state.apply(to: &description, phase: .test)
    let net = try Net(
      description, context: engine.context(.test, log: log))
    try net.loadWeights(from: weights)
    let features = try names.map { try feature($0, of: net) }
    let targets = zip(features, paths).map { blob, path in
      FeatureFormat.Target(
        blob: blob.name, path: path, rowShape: Array(blob.shape.dimensions.dropFirst()))
    }
    var counts = [Int](repeating: 0, count: features.count)
    log.info("Extracting Features")
    let progress = Progress("batches", of: batches)
    try format.create(targets) { sinks in
      for batch in 1...batches {
        try net.forward()
        for (index, blob) in features.enumerated() {
          let rows = blob.shape.axes > 0 ? blob.shape[0] : 1
          let rowShape = Array(blob.shape.dimensions.dropFirst())
          try sinks[index].append(rows: rows, of: rowShape, blob.data.values)
          counts[index] += rows
        }
        progress.update(batch)
      }
    }
    progress.finish()
    for (blob, count) in zip(features, counts) {
      log.info("Extracted features of \(count) query images for feature blob \(blob.name)")
    }
    log.info("Successfully extracted the features!")
  }

  private func feature(_ name: String, of net: Net) throws -> Blob {
    guard let blob = net.blob(name) else {
      let hint = NearestName.of(name, among: net.blobNames).map { "; did you mean '\($0)'?" } ?? ""
      throw CaffeError("the net has no blob '\(name)'\(hint)", places: [model])
    }
    guard blob.count > 0 else {
      throw CaffeError("blob '\(name)' (\(blob.shape)) has no rows", places: [model])
    }
    return blob
  }
}
