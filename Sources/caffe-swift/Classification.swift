import ArgumentParser
import Caffe

struct Classification: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Name what is on one image, as Caffe's program of this name does.",
    discussion: """
      Example: caffe-swift classification deploy.prototxt net.caffemodel mean.binaryproto \
      synset_words.txt cat.jpg

      The same as classify --model, --weights, --mean and --labels, which knows more.
      """,
    aliases: ["classification.bin"])

  @Argument(help: "The net, with one Input of N × 1 or 3 × H × W.")
  var model: String

  @Argument(help: "The weights: .caffemodel or .caffemodel.h5.")
  var weights: String

  @Argument(help: "A mean file, of which each channel's mean counts.")
  var mean: String

  @Argument(help: "The names of the classes, a line each.")
  var labels: String

  @Argument(help: "The image: JPEG, PNG, BMP or PNM.")
  var image: String

  func run() throws {
    let options = ["--model", model, "--weights", weights, "--mean", mean, "--labels", labels]
    try Classify.parse(options + ["--", image]).run()
  }
}
