import ArgumentParser
import Caffe

struct GradientCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradient-check",
    abstract: "Compare each layer's backward pass with finite differences.",
    discussion: """
      Example: caffe-swift gradient-check train_val.prototxt --shape data=2,3,227,227

      Each layer of the TRAIN net runs alone, with its own settings, on small random inputs. The error \
      is relative to the larger of both derivatives and 1. Exits with status 1 if one exceeds 0.01.
      """,
    aliases: ["gradient_check"])

  @Argument(help: "The net, a NetParameter as text.")
  var net: String

  @Option(help: "How many elements of each bottom and parameter.")
  var samples = 20

  @Option(help: "Which random inputs.")
  var seed: UInt64 = 1

  @OptionGroup var look: LookOptions

  @Option(help: "CAFFE or ONEDNN, for layers that name no engine themselves.")
  var engine: Engine?

  func validate() throws {
    if samples < 1 { throw ValidationError("samples must be at least 1, got \(samples)") }
  }

  func run() throws {
    let gradients = try LayerGradients(
      look.plan(net), engine: engine, samples: samples, seed: seed)
    var table = Table([
      ("layer", .left), ("type", .left), ("derivatives", .right), ("worst error", .right),
      ("verdict", .left),
    ])
    var wrong: [String] = []
    for result in gradients.results {
      guard let report = result.report else {
        table.add([result.name, result.type, "", "", "no backward pass"])
        continue
      }
      let isRight = LayerGradients.isRight(report)
      if !isRight { wrong.append("layer '\(result.name)' (\(result.type)): \(report.whereWorst)") }
      table.add([
        result.name, result.type, String(report.compared), Text.number(report.worst),
        isRight ? "right" : "WRONG",
      ])
    }
    for line in table.lines + wrong { print(line) }
    if !wrong.isEmpty { throw ExitCode(1) }
  }
}
