import ArgumentParser
import Caffe
import Foundation

struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plot learning curves of one or more runs, as SVG, PNG or PDF.",
    discussion: """
      Examples: caffe-swift plot curves.svg run.json
                caffe-swift plot curves.png fast.json slow.log --output loss --log-y

      Reads --log-json files, and logs of Caffe and caffe-swift. A panel for each output. PNG and PDF \
      need rsvg-convert.
      """)

  @Argument(help: "The picture to write; its ending says the format.")
  var picture: String

  @Argument(help: "The logs.")
  var logs: [String]

  @Option(help: "Plot this output; may be given several times.")
  var output: [String] = []

  @Flag(help: "A logarithmic vertical axis.")
  var logY = false

  func validate() throws {
    if logs.isEmpty { throw ValidationError("name at least one log") }
  }

  func run() throws {
    let runs = try logs.map { path in
      CurvePlot.Run(
        name: URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent,
        history: try RunHistory(contentsOf: path))
    }
    try CurvePlot(runs, outputs: output, logarithmic: logY).write(to: picture)
  }
}
