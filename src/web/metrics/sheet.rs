//! Writing numbers down, each with its name and what it means.

use crate::histogram::Counted;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::MetricType,
};
use std::fmt;

/// A label's name and value.
pub(super) type Label<'l> = (&'static str, &'l str);

/// What is being written.
pub(super) struct Sheet<'e>(pub(super) DescriptorEncoder<'e>);

impl Sheet<'_> {
    /// One number that can grow and shrink.
    pub(super) fn number(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.gauge(name, help, [([], value)])
    }

    /// One that only grows. `name` is without `_total`, which is added.
    pub(super) fn count(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counter(name, help, [([], value)])
    }

    /// Several that can grow and shrink, told apart by labels.
    pub(super) fn gauge<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([Label<'l>; N], f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Several that only grow. `name` is without `_total`.
    pub(super) fn counter<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([Label<'l>; N], u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// What the library counts by labels.
    pub(super) fn family(&mut self, name: &str, help: &str, family: &impl EncodeMetric) -> fmt::Result {
        family.encode(self.0.encode_descriptor(name, help, None, family.metric_type())?)
    }

    /// How long things took, in seconds.
    pub(super) fn histogram<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([Label<'l>; N], Counted)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, counted) in series {
            let Counted { buckets, count, sum } = counted;
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}
