import ArgumentParser
import Caffe
import Logging

struct Test: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score a net with trained weights: the mean of each of its outputs.",
    discussion: """
      Example: caffe-swift test --model lenet_train_test.prototxt \
      --weights lenet_iter_4000.caffemodel.h5 --iterations 100

      iterations times the batch size should be the size of the test set.
      """)

  @Option(help: "The net, a NetParameter as text.")
  var model: String

  @Option(help: "The weights: .caffemodel or .caffemodel.h5.")
  var weights: String

  @Option(help: "How many batches.")
  var iterations = 50

  @Flag(help: "Run over every record of the data once, instead of --iterations batches.")
  var all = false

  @OptionGroup var matching: MatchingOptions
  @OptionGroup var state: StateOptions
  @OptionGroup var engine: EngineOptions

  func validate() throws {
    if iterations < 1 { throw ValidationError("iterations must be at least 1, got \(iterations)") }
  }

  func run() throws {
    let log = Logger(label: "caffe")
    engine.report(to: log)
    var description = try NetParameter.read(model) { log.info("\($0)") }
    state.apply(to: &description, phase: .test)
    let net = try Net(
      description, context: engine.context(.test, reusesMemory: true, log: log))
    try net.loadWeights(from: weights, skippingMismatches: matching.skipMismatch) {
      log.info("\($0)")
    }
    let means = try score(net, log: log)
    log.info("Loss: \(Text.number(means.loss))")
    for (output, mean) in zip(net.outputLines, means.values) { log.info("\(output.text(mean))") }
  }

  private func score(_ net: Net, log: Logger) throws -> Means {
    let coverage = all ? try net.coverage() : nil
    if all && coverage == nil {
      throw CaffeError(
        "--all: no layer counts its records (Data, HDF5Data, ImageData do); give --iterations",
        places: [model])
    }
    let passes = coverage?.passes ?? iterations
    let extent = coverage.map { ", over \($0.records) records" } ?? ""
    log.info("Running for \(passes) iterations\(extent).")
    func report(_ batch: Int, _ values: [Float]) {
      for (output, value) in zip(net.outputLines, values) {
        log.info("Batch \(batch), \(output.blob.name) = \(Text.number(value))")
      }
    }
    return try net.score(passes: passes, covering: coverage, each: report) ?? Means()
  }
}
