import CaffeErrors
import CaffeInspect
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// What a report counts and how it is put together.
@Suite struct ReportTests {
  @Test func textIsEscapedAndMarkupIsNot() {
    let hostile = "<script>alert(\"&'\")</script>"
    let inner: HTML = "<b title=\"\(hostile)\">\(hostile)</b>"
    let escaped = "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;"
    #expect(inner.markup == "<b title=\"\(escaped)\">\(escaped)</b>")
    let outer: HTML = "<p>\(inner)\(3)\([inner, inner])</p>"
    #expect(outer.markup == "<p>\(inner.markup)3\(inner.markup)\n\(inner.markup)</p>")
    #expect(HTML(text: "a\r\n<").markup == "a\r\n&lt;")
  }

  @Test func drawingsLoseWhatOnlyFilesNeed() {
    let file = """
      <?xml version="1.0"?>
      <!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
      <svg width="1" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
      <!-- made by
      something --><g/></svg>
      """
    #expect(
      HTML(svg: file, label: "a \"b\"").markup
        == "<svg role=\"img\" aria-label=\"a &quot;b&quot;\" width=\"1\">\n<g/></svg>")
  }

  //           taken for 0  1  2
  //   it is 0           3  1  0     recall 3/4
  //         1           2  2  0     recall 2/4
  //         2           0  0  0     no items
  //   precision        3/5 2/3 -
  @Test func aConfusionIsCounted() {
    var confusion = Confusion(classes: 3)
    for (label, guess) in [
      (0, 0), (0, 0), (0, 0), (0, 1), (1, 0), (1, 0), (1, 1), (1, 1),
    ] { confusion.add(label: label, guess: guess) }
    #expect(confusion.total == 8 && confusion.right == 5 && confusion.accuracy == 0.625)
    #expect((0..<3).map(confusion.precision) == [3.0 / 5, 2.0 / 3, nil])
    #expect((0..<3).map(confusion.recall) == [3.0 / 4, 2.0 / 4, nil])
    #expect((0..<3).map(confusion.f1) == [6.0 / 9, 4.0 / 7, nil])
    #expect(
      confusion.mistakes(5).map { [$0.label, $0.guess, $0.count] } == [[1, 0, 2], [0, 1, 1]])
    #expect(Confusion(classes: 2).accuracy == nil)
  }

  @Test func scoresBecomeProbabilities() {
    #expect(ClassProbabilities.of([0.25, 0.75]) == [0.25, 0.75])
    let odds = ClassProbabilities.of([1000, 1000, -1000])
    #expect(odds == [0.5, 0.5, 0])
    // e^1 : e^2, which a softmax keeps though both lie between 0 and 2.
    let pair = ClassProbabilities.of([1, 2])
    #expect(abs(pair[1] / pair[0] - 2.718281828) < 1e-6 && abs(pair[0] + pair[1] - 1) < 1e-12)
  }

  /// `net` in the text is a class name with markup in it.
  private func train(
    _ folder: TemporaryFolder, _ fields: String = "snapshot: 2", name: String = "tiny"
  ) throws -> RunFolder {
    try SmallData.writeIDX(to: folder, count: 20)
    let data = "backend: IDX source: \"\(folder("images.idx"))\""
    let text = """
      net_param {
        name: "\(name)"
        layer { name: "d" type: "Data" top: "data" top: "label" data_param { \(data) batch_size: 8 } transform_param { scale: 0.004 } }
        layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
        layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
        layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
      }
      base_lr: 0.1 lr_policy: "fixed" random_seed: 1 max_iter: 4 display: 1 test_iter: 5
      test_interval: 2 snapshot_prefix: "\(folder.path)/s" snapshot_after_train: false \(fields)
      """
    let solver = try Solver(SolverParameter(text: text, file: "solver.prototxt"))
    let run = RunFolder(folder("runs/a"))
    let sinks = try run.begin(
      solver, machine: MachineRecord(program: "test", arguments: ["a", "b"]), histogramInterval: 2,
      continuing: false)
    solver.observer = try RunMeter(solver, sinks: sinks)
    try solver.solve()
    return run
  }

  /// The sentences about what is missing, by part.
  private func missing(_ report: RunReport, _ evaluation: Result<Evaluation, CaffeError>)
    -> [ReportPart: String]
  {
    var found: [ReportPart: String] = [:]
    for part in ReportPart.ofARun {
      let markup = report.content(of: part, evaluation).markup
      #expect(!markup.isEmpty, "\(part)")
      if let match = markup.firstMatch(of: /class="missing">([^<]*)/) {
        found[part] = String(match.1)
      }
    }
    return found
  }

  @Test func aRunBecomesAPage() throws {
    let folder = try TemporaryFolder()
    let run = try train(folder, name: "<i>tiny</i>")
    let report = try RunReport(run.path)
    var batches: [Int] = []
    let result = report.evaluate { done, of in batches.append(done * 10 + of) }
    let evaluation = try result.get()
    // 20 images in batches of 8: the whole test set, although test_iter says 5.
    #expect(batches == [13, 23, 33])
    #expect(evaluation.confusion.total == 20)
    #expect((0..<3).map(evaluation.confusion.support) == [7, 7, 6])
    let wrong = 20 - evaluation.confusion.right
    #expect(wrong > 0 && evaluation.mistakes.count == wrong)
    let odds = evaluation.mistakes.map(\.labelProbability)
    #expect(odds == odds.sorted() && evaluation.mistakes.allSatisfy { $0.picture?.width == 6 })
    #expect(evaluation.mistakes.allSatisfy { $0.label == $0.item % 3 && $0.label != $0.guess })
    #expect(missing(report, result).isEmpty, "\(missing(report, result))")
    let page = report.page(result).markup
    #expect(page.contains("&lt;i&gt;tiny&lt;/i&gt;") && !page.contains("<i>"))
    #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"))
    for match in page.matches(of: /(?:src|href)="([^"]{1,8})/) {
      #expect(match.1.hasPrefix("data:") || match.1.hasPrefix("#"), "\(match.1)")
    }
    #expect(page.contains("<img class=\"seen\"") && page.contains("conv/0 gradients"))
    #expect(page.matches(of: /<img\s/).count == page.matches(of: /<img [^>]*alt="[^"]+"/).count)
  }

  @Test func theAccuracyIsThatOfTheTest() throws {
    let folder = try TemporaryFolder()
    let run = try train(folder, "snapshot: 4")
    let evaluation = try RunReport(run.path).evaluate().get()
    let solver = try SolverParameter.read(run.solver)
    #expect(!solver.hasNet && solver.netParam.layer.count == 5)
    let records = try RunRecord.read(run.log)
    guard case .test(let last) = records.last else {
      Issue.record("no test at the end")
      return
    }
    // test_iter: 5 batches of 8 are the 20 images twice.
    #expect(
      abs((last.outputs["accuracy"]?.values[0] ?? 0) - (evaluation.confusion.accuracy ?? 1)) < 1e-6)
  }

  @Test func whatIsMissingIsSaid() throws {
    let folder = try TemporaryFolder()
    let run = try train(folder, "")
    let report = try RunReport(run.path)
    let sentences = missing(report, report.evaluate())
    #expect(Set(sentences.keys) == [.confusion, .mistakes, .filters])
    #expect(sentences[.filters] == "Not here: the run has taken no snapshot yet.")
    let log = try RunReport(run.log)
    #expect(
      Set(missing(log, log.evaluate()).keys) == [
        .confusion, .mistakes, .filters, .histograms, .graph, .solver, .machine,
      ])
    #expect(missing(log, log.evaluate())[.solver]?.contains("--solver") == true)
    try folder.write("caffe.log", RunTests.caffeLog)
    let foreign = try RunReport(folder("caffe.log"))
    #expect(missing(foreign, foreign.evaluate())[.curves] == nil)
    #expect(refusal { _ = try RunReport(folder.path) }.contains("no log.json in it"))
    #expect(refusal { _ = try train(folder) }.contains("log.json: this exists already"))
  }

  @Test func histogramsOfAResumedRunAreThoseThatCount() throws {
    let folder = try TemporaryFolder()
    let run = try train(folder)
    let records = try HistogramLog.read(run.histograms)
    #expect(records.map(\.iteration) == [0, 2])
    #expect(records[0].parameters.map(\.name) == ["conv/0", "conv/1", "ip/0", "ip/1"])
    #expect(records[1].parameters[2].weights.counts.reduce(0, +) == 2 * 16 * 3)
    #expect(records[1].parameters[2].gradients?.counts.reduce(0, +) == 2 * 16 * 3)
    let lines = String(decoding: try folder.read("runs/a/histograms.json"), as: UTF8.self)
    try folder.write("again.json", lines + lines + "{\"it")
    #expect(try HistogramLog.read(folder("again.json")) == records)
    try folder.write("bad.json", "{}\n" + lines)
    #expect(refusal { _ = try HistogramLog.read(folder("bad.json")) }.contains("line 1"))
  }
}
