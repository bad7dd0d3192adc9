import ArgumentParser
import Caffe

struct Summary: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a net is made of: layers, shapes, parameters, multiply-adds, memory.",
    discussion: """
      Examples: caffe-swift summary deploy.prototxt
                caffe-swift summary train_val.prototxt --phase TEST --shape data=1,3,227,227 --json

      Nothing is run. Multiply-adds are those of one forward pass over the whole batch, counted where \
      values meet learned weights (convolutions, inner products, recurrent layers); one is 2 FLOPs. A \
      dash for memory: the layer runs in place or its output is a view.
      """)

  @Argument(help: "The net, a NetParameter as text.")
  var net: String

  @Flag(help: "Write one JSON object.")
  var json = false

  @OptionGroup var look: LookOptions

  func run() throws {
    let summary = try NetSummary(look.plan(net))
    if json {
      print(try JSONLine.text(summary))
    } else {
      for line in summary.lines { print(line) }
    }
  }
}

/// Which net of a file is looked at, without running it.
struct LookOptions: ParsableArguments {
  @Option(help: "The net's phase: TRAIN or TEST.")
  var phase = Phase.train

  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp(
      "The shape of a data layer's top, such as data=64,3,224,224, instead of its data.",
      discussion: "May be given several times. Other tops of the layer are taken for labels."))
  var shapes: [String] = []

  @OptionGroup var state: StateOptions

  func plan(_ path: String) throws -> NetPlan {
    var net = try NetParameter.read(path)
    state.apply(to: &net, phase: phase)
    return try NetPlan(
      looking: net, given: GivenShapes(shapes), context: LayerContext(phase: phase))
  }
}
