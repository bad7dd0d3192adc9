import ArgumentParser
import Caffe
import Foundation
import Logging

struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Name what is on images: the best classes of a deploy net.",
    discussion: """
      Example: caffe-swift classify --model deploy.prototxt --weights net.caffemodel \
      --labels synset_words.txt --mean mean.binaryproto cat.jpg dog.png

      Each image is scaled to the extents of the net's input; blue, green and red (or brightness, for \
      one channel), less the mean of each channel, times --scale. Scores are those of the net's output.
      """)

  @Option(help: "The net, with one Input of N × 1 or 3 × H × W.")
  var model: String

  @Option(help: "The weights: .caffemodel or .caffemodel.h5.")
  var weights: String

  @Option(help: "The names of the classes, a line each.")
  var labels: String?

  @Option(
    help:
      "A mean file, of which each channel's mean counts, or a number for each channel: 104,117,123."
  )
  var mean: String?

  @Option(help: "What the difference to the mean is multiplied by.")
  var scale: Float = 1

  @Option(help: "How many classes of each image.")
  var topK = 5

  @Option(help: "How many images at once; that of the model if left out.")
  var batch: Int?

  @Flag(help: "Write one JSON object for each image.")
  var json = false

  @OptionGroup var engine: EngineOptions

  @Argument(help: "The images: JPEG, PNG, BMP or PNM.")
  var images: [String]

  func validate() throws {
    if topK < 1 { throw ValidationError("top-k must be at least 1, got \(topK)") }
    if let batch, batch < 1 { throw ValidationError("batch must be at least 1, got \(batch)") }
    if images.isEmpty { throw ValidationError("name at least one image") }
  }

  func run() throws {
    let log = Logger(label: "caffe")
    let net = try Net(
      NetParameter.read(model) { log.info("\($0)") },
      context: engine.context(.test, reusesMemory: true, log: .quiet))
    try net.loadWeights(from: weights)
    let classifier = try withPlace(model) { try ImageClassifier(net, means: means(), scale: scale) }
    let names = try labels.map { try ClassNames(file: $0) }
    let progress = Progress("images", of: images.count)
    let size = batch ?? classifier.batchSize
    for start in stride(from: 0, to: images.count, by: size) {
      let paths = images[start..<min(start + size, images.count)]
      let scores = try classifier.scores(of: Array(paths))
      for (path, scores) in zip(paths, scores) {
        if let names { try withPlace(labels ?? "") { try names.check(classes: scores.count) } }
        try write(path, TopScores.best(topK, of: scores), names?.names)
      }
      progress.update(start + paths.count)
    }
    progress.finish()
  }

  private func means() throws -> [Float] {
    guard let mean else { return [] }
    let numbers = mean.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
    if numbers.allSatisfy({ $0 != nil }) { return numbers.compactMap { $0 } }
    return try TransformSettings.Mean(file: mean).channelMeans
  }

  /// What `--json` writes; the names are part of the command's contract.
  private struct Report: Encodable {
    struct Prediction: Encodable {
      let `class`: Int
      let label: String?
      let score: Float
    }
    let image: String
    let predictions: [Prediction]
  }

  private func write(
    _ path: String, _ best: [(number: Int, score: Float)], _ names: [String]?
  ) throws {
    guard !json else {
      let predictions = best.map {
        Report.Prediction(class: $0.number, label: names?[$0.number], score: $0.score)
      }
      return print(try JSONLine.text(Report(image: path, predictions: predictions)))
    }
    print("---------- Prediction for \(path) ----------")
    for (number, score) in best {
      print(String(format: "%.4f", score) + " - \"\(names?[number] ?? "\(number)")\"")
    }
  }
}

/// A deploy net that scores images.
private struct ImageClassifier {
  private let net: Net
  private let input: Blob
  private let output: Blob
  private let preparation: ImagePreparation

  /// How many images the model says at once.
  let batchSize: Int

  init(_ net: Net, means: [Float], scale: Float) throws {
    guard net.inputs.count == 1, let input = net.blob(net.inputs[0]), input.shape.axes == 4 else {
      throw CaffeError("the net must have one Input of N × channels × height × width")
    }
    guard net.outputs.count == 1, let output = net.outputs.first?.blob else {
      let names = net.outputs.map(\.blob.name).joined(separator: ", ")
      throw CaffeError("the net must have one output, it has \(net.outputs.count): \(names)")
    }
    self.net = net
    self.input = input
    self.output = output
    batchSize = max(1, input.shape[0])
    preparation = try ImagePreparation(
      for: DataTransformer.Extents(
        channels: input.shape[1], height: input.shape[2], width: input.shape[3]),
      means: means, scale: scale)
  }

  /// The scores of each image.
  func scores(of images: [String]) throws -> [[Float]] {
    let extents = preparation.extents
    input.reshape(
      try Shape([images.count, extents.channels, extents.height, extents.width]))
    input.data.values = try images.flatMap { try preparation.prepare($0) }
    try net.forward()
    let values = output.data.values
    guard values.count % images.count == 0, !values.isEmpty else {
      throw CaffeError(
        "the output \(output.shape) has no scores for each of \(images.count) images")
    }
    let classes = values.count / images.count
    return images.indices.map { Array(values[$0 * classes..<($0 + 1) * classes]) }
  }
}
